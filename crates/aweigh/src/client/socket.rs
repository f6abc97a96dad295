//! WebSockets to the server, over the same connections as everything else: TLS, a proxy or the Unix socket.

use reqwest::{Method, StatusCode, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{Ask, Client, Error};

/// A WebSocket.
pub type Socket = WebSocketStream<Upgraded>;

impl Client {
    /// Opens a WebSocket (RFC 6455 section 4.1).
    ///
    /// # Errors
    /// The server cannot be reached, refuses, or something in between takes no WebSockets.
    pub async fn socket(&self, ask: &Ask<'_>) -> Result<Socket, Error> {
        let key = generate_key();
        let request = self.request(Method::GET, ask);
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request = request.header("sec-websocket-version", "13").header("sec-websocket-key", &key);
        let answer = self.answer_to(request, &[StatusCode::SWITCHING_PROTOCOLS]).await?;
        let accepted = answer.headers().get("sec-websocket-accept").map(|value| value.as_bytes().to_vec());
        if accepted.as_deref() != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            let why = "something between here and there takes no WebSockets".to_owned();
            return Err(Error::Lost { place: self.place.to_string(), why });
        }
        let stream = answer.upgrade().await.map_err(|source| Error::lost(&self.place, &source))?;
        Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
    }

    /// The connection of a WebSocket is gone, for this reason.
    pub fn cut(&self, why: &str) -> Error {
        Error::Lost { place: self.place.to_string(), why: why.to_owned() }
    }
}
