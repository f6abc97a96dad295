//! A server that speaks SSH as it should until somebody is in and runs a command; then it says whatever packets it is told.
//!
//! The library does not write such packets, so the little that is needed is here: a key exchange in which our half is no
//! secret (group 14, with the exponent 1), AES in counter mode, and HMAC.

mod aes;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use aes::Stream;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::key::safe_rng;
use russh::keys::signature::Signer;
use russh::keys::ssh_key::Signature;
use russh::keys::{Algorithm, PrivateKey};
use sha2::{Digest, Sha256};
use transport::{HostKey, KeyExchange, Target, Timeouts};

use crate::rig::{PASSWORD, password};

const BANNER: &str = "SSH-2.0-rogue";

/// What it says to a command, as payloads of packets.
#[derive(Clone, Default)]
pub(crate) struct Words {
    /// First, and once.
    pub(crate) once: Vec<Vec<u8>>,
    /// Then again and again, without end; nothing where there is none.
    pub(crate) again: Vec<Vec<u8>>,
    /// Whether it takes nothing more from us.
    pub(crate) is_deaf: bool,
}

/// What it says, by the number that we gave to the channel of the command.
type Script = Arc<dyn Fn(u32) -> Words + Send + Sync>;

/// A running one, on a free port of 127.0.0.1, for as long as the process lives.
pub(crate) struct Rogue {
    port: u16,
    host_key: HostKey,
}

impl Rogue {
    pub(crate) fn start(script: impl Fn(u32) -> Words + Send + Sync + 'static) -> Rogue {
        let key = Arc::new(PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap());
        let host_key = HostKey::parse(&key.public_key().to_openssh().unwrap()).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let script: Script = Arc::new(script);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (key, script) = (Arc::clone(&key), Arc::clone(&script));
                // Whoever leaves it ends its talk.
                thread::spawn(move || Talk::begin(stream, &key)?.go_on(&script));
            }
        });
        Rogue { port, host_key }
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: "demo".to_owned(),
            auth: vec![password(PASSWORD)],
            host_keys: vec![self.host_key.clone()],
            authorities: Vec::new(),
            key_exchange: KeyExchange::default(),
            legacy_algorithms: false,
            timeouts: Timeouts::default(),
            jump: None,
        }
    }
}

/// A string of SSH.
pub(crate) fn string(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// A payload: the number of the message, and its fields.
pub(crate) fn message(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    [&[kind][..], &fields.concat()].concat()
}

/// One connection.
struct Talk {
    stream: TcpStream,
    /// What hides theirs, once the keys are known.
    theirs: Option<Stream>,
    /// What hides ours, and the key that proves it.
    ours: Option<(Stream, [u8; 32])>,
    /// How many packets we said.
    said: u32,
}

impl Talk {
    /// The key exchange (RFC 4253 section 8).
    fn begin(mut stream: TcpStream, key: &PrivateKey) -> io::Result<Talk> {
        stream.write_all(format!("{BANNER}\r\n").as_bytes())?;
        let (mut line, mut byte) = (Vec::new(), [0]);
        while byte != *b"\n" {
            stream.read_exact(&mut byte)?;
            line.extend(byte);
        }
        let their_banner = line.trim_ascii_end();
        let mut talk = Talk { stream, theirs: None, ours: None, said: 0 };
        let (cipher, mac) = ("aes256-ctr", "hmac-sha2-256");
        let lists = [
            "diffie-hellman-group14-sha256",
            "ssh-ed25519",
            cipher,
            cipher,
            mac,
            mac,
            "none",
            "none",
            "",
            "",
        ];
        let lists: Vec<u8> = lists.iter().flat_map(string).collect();
        let offer = message(20, &[&[7; 16], &lists, &[0; 5]]);
        talk.say(&offer)?;
        let their_offer = talk.hear()?;
        let exchange = talk.hear()?;
        // Our half is the generator itself: what both know is what they sent, as a number of SSH already.
        let (secret, half) = (exchange.get(1..).unwrap_or_default(), string([2_u8]));
        let blob = key.public_key().to_bytes().map_err(io::Error::other)?;
        let parts =
            [string(their_banner), string(BANNER), string(&their_offer), string(&offer), string(&blob)];
        let hash = Sha256::digest([&parts.concat()[..], secret, &half, secret].concat());
        let signed: Signature = key.key_data().try_sign(&hash).map_err(io::Error::other)?;
        let signature = [string("ssh-ed25519"), string(signed.as_bytes())].concat();
        talk.say(&message(31, &[&string(&blob), &half, &string(&signature)]))?;
        talk.say(&[21])?;
        while talk.hear()? != [21] {}
        let derived =
            |letter: u8| -> [u8; 32] { Sha256::digest([secret, &hash, &[letter], &hash].concat()).into() };
        let stream = |counter: u8, key: u8| {
            let counter: [u8; 16] = std::array::from_fn(|at| derived(counter)[at]);
            Stream::new(&derived(key), &counter)
        };
        talk.theirs = Some(stream(b'A', b'C'));
        talk.ours = Some((stream(b'B', b'D'), derived(b'F')));
        Ok(talk)
    }

    /// Lets everybody in, opens a channel, and at the first command says its words.
    fn go_on(mut self, script: &Script) -> io::Result<()> {
        let mut channel = 0;
        loop {
            let heard = self.hear()?;
            let number =
                |at: usize| heard.get(at..at + 4).map(|four| u32::from_be_bytes(four.try_into().unwrap()));
            match heard.first() {
                Some(5) => self.say(&message(6, &[&string("ssh-userauth")]))?,
                Some(50) if heard.windows(8).any(|name| name == b"password") => self.say(&[52])?,
                Some(50) => self.say(&message(51, &[&string("password"), &[0]]))?,
                Some(90) => {
                    channel = number(5 + usize::try_from(number(1).unwrap_or(0)).unwrap()).unwrap_or(0);
                    let sizes = [0_u32, 1 << 21, 1 << 15].map(u32::to_be_bytes).concat();
                    self.say(&message(91, &[&channel.to_be_bytes(), &sizes]))?;
                }
                Some(98) => break,
                _ => {}
            }
        }
        self.say(&message(99, &[&channel.to_be_bytes()]))?;
        let words = script(channel);
        if !words.is_deaf {
            let mut heard = self.stream.try_clone()?;
            thread::spawn(move || io::copy(&mut heard, &mut io::sink()));
        }
        for word in &words.once {
            self.say(word)?;
        }
        while !words.again.is_empty() {
            for word in &words.again {
                self.say(word)?;
            }
        }
        // Nothing more, and it stays.
        self.stream.read_to_end(&mut Vec::new()).map(drop)
    }

    /// Sends one packet (RFC 4253 section 6).
    fn say(&mut self, payload: &[u8]) -> io::Result<()> {
        let padding = 20 - (payload.len() + 5 + 4) % 16;
        let length = u32::try_from(payload.len() + 1 + padding).unwrap();
        let mut packet = [&length.to_be_bytes()[..], &[u8::try_from(padding).unwrap()], payload].concat();
        packet.resize(packet.len() + padding, 0);
        if let Some((stream, key)) = &mut self.ours {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
            mac.update(&self.said.to_be_bytes());
            mac.update(&packet);
            stream.apply(&mut packet);
            packet.extend(mac.finalize().into_bytes());
        }
        self.said = self.said.wrapping_add(1);
        self.stream.write_all(&packet)
    }

    /// The payload of the next packet. Whether it is proven does not matter here.
    fn hear(&mut self) -> io::Result<Vec<u8>> {
        let mut begin = [0; 16];
        self.stream.read_exact(&mut begin)?;
        if let Some(stream) = &mut self.theirs {
            stream.apply(&mut begin);
        }
        let length = u32::from_be_bytes(begin[..4].try_into().unwrap());
        let mut rest = vec![0; usize::try_from(length).unwrap().saturating_sub(12)];
        self.stream.read_exact(&mut rest)?;
        if let Some(stream) = &mut self.theirs {
            stream.apply(&mut rest);
            self.stream.read_exact(&mut [0; 32])?;
        }
        let whole = [&begin[4..], &rest].concat();
        let padding = usize::from(*whole.first().unwrap_or(&0));
        Ok(whole.get(1..whole.len().saturating_sub(padding)).unwrap_or_default().to_vec())
    }
}
