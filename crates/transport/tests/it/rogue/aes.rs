//! AES-256 in counter mode (FIPS 197, RFC 4344 section 4): what a server of tests encrypts with. Slow, and for nothing else.

/// A stream of bytes that hides others.
pub(super) struct Stream {
    keys: Vec<[u8; 16]>,
    table: [u8; 256],
    counter: u128,
    block: [u8; 16],
    used: usize,
}

impl Stream {
    pub(super) fn new(key: &[u8; 32], counter: &[u8; 16]) -> Stream {
        let table = table();
        let keys = keys(key, &table);
        Stream { keys, table, counter: u128::from_be_bytes(*counter), block: [0; 16], used: 16 }
    }

    /// Hides what can be read, and shows what is hidden.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used == 16 {
                self.block = encrypted(self.counter.to_be_bytes(), &self.keys, &self.table);
                self.counter = self.counter.wrapping_add(1);
                self.used = 0;
            }
            *byte ^= self.block[self.used];
            self.used += 1;
        }
    }
}

/// The table of the cipher: the inverse of each byte in GF(2^8), and a rotation over it.
fn table() -> [u8; 256] {
    let mut table = [0x63; 256];
    // Two numbers walk through the field, each the inverse of the other.
    let (mut number, mut inverse) = (1_u8, 1_u8);
    loop {
        number ^= doubled(number);
        inverse ^= inverse << 1;
        inverse ^= inverse << 2;
        inverse ^= inverse << 4;
        inverse ^= if inverse & 0x80 == 0 { 0 } else { 0x09 };
        let turned = (0..5).fold(0, |sum, by| sum ^ inverse.rotate_left(by));
        table[usize::from(number)] = turned ^ 0x63;
        if number == 1 {
            return table;
        }
    }
}

fn doubled(number: u8) -> u8 {
    (number << 1) ^ if number & 0x80 == 0 { 0 } else { 0x1b }
}

/// The keys of the rounds.
fn keys(key: &[u8; 32], table: &[u8; 256]) -> Vec<[u8; 16]> {
    let mut words: Vec<[u8; 4]> = key.chunks_exact(4).map(|word| word.try_into().unwrap()).collect();
    let mut round = 1_u8;
    for at in 8..60 {
        let mut word = words[at - 1];
        if at % 8 == 0 {
            word.rotate_left(1);
        }
        if at % 4 == 0 {
            word = word.map(|byte| table[usize::from(byte)]);
        }
        if at % 8 == 0 {
            word[0] ^= round;
            round = doubled(round);
        }
        let before = words[at - 8];
        words.push([0, 1, 2, 3].map(|byte| word[byte] ^ before[byte]));
    }
    words.chunks_exact(4).map(|key| key.concat().try_into().unwrap()).collect()
}

fn encrypted(mut state: [u8; 16], keys: &[[u8; 16]], table: &[u8; 256]) -> [u8; 16] {
    add(&mut state, &keys[0]);
    for (round, key) in keys.iter().enumerate().skip(1) {
        // Bytes are replaced and rows are shifted.
        let before = state;
        for (at, byte) in state.iter_mut().enumerate() {
            *byte = table[usize::from(before[(at + 4 * (at % 4)) % 16])];
        }
        if round + 1 < keys.len() {
            for column in state.chunks_exact_mut(4) {
                let old = [column[0], column[1], column[2], column[3]];
                let sum = old.iter().fold(0, |sum, byte| sum ^ byte);
                for row in 0..4 {
                    column[row] = old[row] ^ sum ^ doubled(old[row] ^ old[(row + 1) % 4]);
                }
            }
        }
        add(&mut state, key);
    }
    state
}

fn add(state: &mut [u8; 16], key: &[u8; 16]) {
    for (byte, key) in state.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[test]
fn it_is_aes() {
    // FIPS 197, appendix C.3.
    let key = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let plain = std::array::from_fn(|at| u8::try_from(at * 0x11).unwrap());
    let table = table();
    let hidden = encrypted(plain, &keys(&key, &table), &table);
    assert_eq!(hex::encode(hidden), "8ea2b7ca516745bfeafc49904b496089");
}
