//! Answers that come line by line, one JSON object on each.

use futures::StreamExt;
use futures::stream::BoxStream;
use serde::de::DeserializeOwned;

use super::{Client, Error};

/// The longest line that is read, in bytes: Aweigh sends far shorter ones.
const LONGEST: usize = 4 * 1024 * 1024;

/// The lines of an answer that is still under way. Dropping it ends what it tells of.
pub struct Lines {
    pub(super) client: Client,
    pub(super) pieces: BoxStream<'static, Result<Vec<u8>, Error>>,
    pub(super) bytes: Vec<u8>,
}

impl Lines {
    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or the line is none of ours.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                return self.client.decode(&String::from_utf8_lossy(&line)).map(Some);
            }
            match self.pieces.next().await {
                Some(piece) if self.bytes.len() <= LONGEST => self.bytes.extend(piece?),
                // What is begun and does not end is understood by nobody.
                Some(_) => return self.client.decode(&String::from_utf8_lossy(&self.bytes)).map(Some),
                None if self.bytes.is_empty() => return Ok(None),
                None => return Err(self.cut()),
            }
        }
    }

    /// The answer ended before its last line.
    pub fn cut(&self) -> Error {
        Error::Lost {
            place: self.client.place().to_string(),
            why: "it ended in the middle of its answer".to_owned(),
        }
    }
}
