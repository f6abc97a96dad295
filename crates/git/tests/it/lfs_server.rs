//! The batch API of Git LFS, and the objects: what a host of repositories does besides git.

use std::{fs, path::Path};

use crate::http_server::Request;

/// What the path of an object has in it.
pub(crate) const OBJECT: &str = "/lfs-object/";

/// How objects are given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Objects {
    /// As they are, by this server.
    #[default]
    Here,
    /// The same, by a server that is reached over TLS.
    BehindTls,
    /// As they are, by a server with this origin.
    At(String),
    /// By a server with this origin, to which the question is sent on.
    Moved(String),
    /// With other bytes.
    Garbled,
    /// Without an end.
    Endless,
}

/// The answer to a request that is one of Git LFS. The objects are those of the repositories below `root`.
pub(crate) fn reply(root: &Path, objects: &Objects, request: &Request, body: &[u8]) -> Option<Vec<u8>> {
    let target = request.line.split(' ').nth(1)?;
    if let Some(repository) = target.strip_suffix("/info/lfs/objects/batch") {
        let scheme = if *objects == Objects::BehindTls { "https" } else { "http" };
        let host = format!("{scheme}://{}", request.headers.get("host")?);
        let origin = match objects {
            Objects::Moved(origin) => {
                let head =
                    "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nContent-Length: 0\r\nLocation: ";
                return Some(format!("{head}{origin}{target}\r\n\r\n").into_bytes());
            }
            Objects::At(origin) => origin,
            _ => &host,
        };
        return Some(batch(
            root,
            &format!("{origin}{repository}"),
            repository,
            &String::from_utf8_lossy(body),
        ));
    }
    let (repository, oid) = target.split_once(OBJECT)?;
    let mut bytes = fs::read(object(root, repository, oid)).unwrap();
    if *objects == Objects::Garbled {
        for byte in &mut bytes {
            *byte ^= 1;
        }
    }
    let length = if *objects == Objects::Endless { u64::MAX / 4 } else { bytes.len() as u64 };
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    Some([head.as_bytes(), &bytes].concat())
}

fn batch(root: &Path, place: &str, repository: &str, asked: &str) -> Vec<u8> {
    let objects: Vec<String> = asked
        .split("\"oid\":\"")
        .skip(1)
        .map(|rest| {
            let (oid, rest) = rest.split_once('"').unwrap();
            let size = rest.split_once("\"size\":").unwrap().1;
            let size: String = size.chars().take_while(char::is_ascii_digit).collect();
            let told = if object(root, repository, oid).exists() {
                format!("\"actions\":{{\"download\":{{\"href\":\"{place}{OBJECT}{oid}\"}}}}")
            } else {
                "\"error\":{\"code\":404,\"message\":\"it was never pushed\"}".to_owned()
            };
            format!("{{\"oid\":\"{oid}\",\"size\":{size},{told}}}")
        })
        .collect();
    let answer = format!("{{\"transfer\":\"basic\",\"objects\":[{}]}}", objects.join(","));
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/vnd.git-lfs+json\r\nContent-Length: ";
    format!("{head}{}\r\n\r\n{answer}", answer.len()).into_bytes()
}

fn object(root: &Path, repository: &str, oid: &str) -> std::path::PathBuf {
    let store = root.join(repository.trim_start_matches('/')).join("lfs/objects");
    store.join(&oid[..2]).join(&oid[2..4]).join(oid)
}
