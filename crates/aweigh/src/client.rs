//! The client of Aweigh's HTTP API that every command but `serve` uses, over TCP or over the Unix socket.

#[cfg(test)]
pub(crate) mod answering;
mod error;
mod lines;
mod login;
mod place;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, Url, redirect};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::{Error, Trouble};
pub use lines::Lines;
pub use login::Login;
pub use place::{At, Place, is_loopback, url};
pub use socket::Socket;

/// How long a question that only reads may take. Long polls say their own time.
const READ: Duration = Duration::from_mins(1);

/// How long a request may take that makes the server ask others: a first fetch of a large repository.
const ACT: Duration = Duration::from_hours(1);

/// How long a file may take on its way. When nothing moves the server ends it.
const UPLOAD: Duration = Duration::from_hours(24);

/// How long something may take that is told as it happens: it has a time of its own on each server.
const WATCH: Duration = Duration::from_hours(30 * 24);

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(10);

/// How often a request with an idempotency key is sent when the connection breaks.
const TRIES: u32 = 3;

/// An answer that is read as it comes.
pub type Pieces = BoxStream<'static, Result<Vec<u8>, Error>>;

/// A client of one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    place: Arc<Place>,
    base: Url,
}

/// A question: a path below `/api/v1`, in segments that are escaped here, and its query.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    path: Vec<&'a str>,
    query: Vec<(&'a str, String)>,
    time: Duration,
}

impl<'a> Ask<'a> {
    /// Asks for what is at `path`.
    pub fn at(path: &[&'a str]) -> Self {
        Self { path: path.to_vec(), query: Vec::new(), time: READ }
    }

    /// With `key=value` in the query.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "numbers and names read better without a reference")]
    pub fn with(mut self, key: &'a str, value: impl ToString) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    /// With `key=value` where there is a value.
    #[must_use]
    pub fn maybe(self, key: &'a str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Waits as long as for something that makes the server ask others.
    #[must_use]
    pub fn slowly(self) -> Self {
        self.within(ACT)
    }

    /// Waits so long for the whole answer.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }
}

impl Client {
    /// A client of the server at `place`.
    ///
    /// # Errors
    /// No connection can be tried: the machine has no certificates of authorities to trust.
    pub fn new(place: Place) -> Result<Self, Error> {
        // The library asks for it even where no TLS is spoken. A second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("aweigh/", env!("CARGO_PKG_VERSION")));
        match &place.at {
            At::Socket(path) => http = http.unix_socket(path.clone()).no_proxy().tls_certs_only([]),
            At::Url(url) => {
                // Without TLS the machine's certificates are not read: they take time, and may be missing.
                if url.scheme() != "https" {
                    http = http.tls_certs_only([]);
                }
                if place.is_this_machine() {
                    http = http.no_proxy();
                }
            }
        }
        let http = http.build().map_err(|source| Error::local(&place, &source))?;
        let base = place.base()?;
        Ok(Self { http, place: Arc::new(place), base })
    }

    /// Where the server is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Reads one thing.
    ///
    /// # Errors
    /// The server cannot be reached, or answers with a problem; so for every function here.
    pub async fn get<T: DeserializeOwned>(&self, ask: &Ask<'_>) -> Result<T, Error> {
        self.decode(&self.get_text(ask).await?)
    }

    /// Reads one thing as the text the server sent.
    pub async fn get_text(&self, ask: &Ask<'_>) -> Result<String, Error> {
        let answer = self.send(Method::GET, ask, None, None).await?;
        answer.text().await.map_err(|source| Error::lost(&self.place, &source))
    }

    /// Reads something long piece by piece; whole characters are not promised. It has to begin within the time of `ask`,
    /// and then takes as long as it does, or as whoever reads it.
    pub async fn get_stream(&self, ask: &Ask<'_>) -> Result<Pieces, Error> {
        let answer = self.begun(ask).await?;
        Ok(self.pieces(answer))
    }

    /// The same, with what a header of the answer says.
    pub async fn get_stream_with(
        &self,
        ask: &Ask<'_>,
        header: &str,
    ) -> Result<(Option<String>, Pieces), Error> {
        let answer = self.begun(ask).await?;
        let said = answer.headers().get(header).and_then(|said| said.to_str().ok()).map(str::to_owned);
        Ok((said, self.pieces(answer)))
    }

    /// The head of an answer whose body is read as it comes.
    async fn begun(&self, ask: &Ask<'_>) -> Result<Response, Error> {
        let lasting = ask.clone().within(WATCH);
        let answer = tokio::time::timeout(ask.time, self.send(Method::GET, &lasting, None, None));
        answer.await.unwrap_or_else(|_| Err(Error::late(&self.place)))
    }

    fn pieces(&self, answer: Response) -> Pieces {
        let place = Arc::clone(&self.place);
        let pieces = answer.bytes_stream().map(move |piece| match piece {
            Ok(piece) => Ok(piece.to_vec()),
            Err(source) => Err(Error::lost(&place, &source)),
        });
        pieces.boxed()
    }

    /// Asks for something to be done, and reads the answer as text.
    pub async fn post(&self, ask: &Ask<'_>, body: &impl Serialize) -> Result<String, Error> {
        let body = self.encode(body)?;
        let answer = self.send(Method::POST, &ask.clone().within(ACT), Some(&body), None).await?;
        answer.text().await.map_err(|source| Error::lost(&self.place, &source))
    }

    /// Asks for something to be done that is told line by line, for as long as it takes.
    pub async fn post_lines(&self, ask: &Ask<'_>, body: &impl Serialize) -> Result<Lines, Error> {
        let body = self.encode(body)?;
        let request = self.request(Method::POST, &ask.clone().within(WATCH));
        // What can be told as a whole, too, is told so unless lines are asked for.
        let request =
            request.header("content-type", "application/json").header("accept", "application/x-ndjson");
        let answer = self.answer(request.body(body)).await?;
        Ok(Lines { client: self.clone(), pieces: self.pieces(answer), bytes: Vec::new() })
    }

    /// Asks for something to be done exactly once, however often the connection breaks on the way.
    pub async fn post_once(&self, ask: &Ask<'_>, body: &impl Serialize) -> Result<String, Error> {
        let body = self.encode(body)?;
        let ask = ask.clone().within(ACT);
        let key = format!("{:032x}", rand::random::<u128>());
        let mut tries = 1;
        loop {
            let answer = match self.send(Method::POST, &ask, Some(&body), Some(&key)).await {
                Ok(answer) => answer.text().await.map_err(|source| Error::lost(&self.place, &source)),
                Err(error) => Err(error),
            };
            match answer {
                Err(Error::Lost { .. }) if tries < TRIES => tries += 1,
                other => return other,
            }
        }
    }

    /// Sends a tar file of any length, of which `size` bytes are known to come, and reads the answer as text.
    pub async fn upload(&self, ask: &Ask<'_>, file: Body, size: Option<u64>) -> Result<String, Error> {
        let mut request = self.request(Method::POST, &ask.clone().within(UPLOAD));
        if let Some(size) = size {
            request = request.header("content-length", size);
        }
        let answer = self.answer(request.header("content-type", "application/x-tar").body(file)).await?;
        answer.text().await.map_err(|source| Error::lost(&self.place, &source))
    }

    /// Sends a tar file of any length, for something that is told line by line.
    pub async fn upload_lines(&self, ask: &Ask<'_>, file: Body) -> Result<Lines, Error> {
        let request = self.request(Method::POST, &ask.clone().within(WATCH));
        let answer = self.answer(request.header("content-type", "application/x-tar").body(file)).await?;
        Ok(Lines { client: self.clone(), pieces: self.pieces(answer), bytes: Vec::new() })
    }

    /// Brings one thing to what `body` says.
    pub async fn put(&self, ask: &Ask<'_>, body: &impl Serialize) -> Result<String, Error> {
        let body = self.encode(body)?;
        let answer = self.send(Method::PUT, ask, Some(&body), None).await?;
        answer.text().await.map_err(|source| Error::lost(&self.place, &source))
    }

    /// Changes the keys of one thing that `body` names (a merge patch, RFC 7396).
    pub async fn patch(&self, ask: &Ask<'_>, body: &impl Serialize) -> Result<String, Error> {
        let body = self.encode(body)?;
        let answer = self.send(Method::PATCH, ask, Some(&body), None).await?;
        answer.text().await.map_err(|source| Error::lost(&self.place, &source))
    }

    /// Removes one thing.
    pub async fn delete(&self, ask: &Ask<'_>) -> Result<(), Error> {
        self.send(Method::DELETE, ask, None, None).await.map(drop)
    }

    /// Understands an answer.
    pub fn decode<T: DeserializeOwned>(&self, text: &str) -> Result<T, Error> {
        serde_json::from_str(text).map_err(|source| Error::Strange { place: self.place.to_string(), source })
    }

    fn encode(&self, body: &impl Serialize) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(body).map_err(|source| Error::Strange { place: self.place.to_string(), source })
    }

    async fn send(
        &self,
        method: Method,
        ask: &Ask<'_>,
        body: Option<&[u8]>,
        once: Option<&str>,
    ) -> Result<Response, Error> {
        let mut request = self.request(method, ask);
        if let Some(key) = once {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_vec());
        }
        self.answer(request).await
    }

    fn request(&self, method: Method, ask: &Ask<'_>) -> RequestBuilder {
        let request = self.http.request(method, self.url(ask)).timeout(ask.time);
        match &self.place.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Response, Error> {
        self.answer_to(request, &[]).await
    }

    /// The answer of a request, where it is a good one: a success, or one of `good`.
    async fn answer_to(&self, request: RequestBuilder, good: &[StatusCode]) -> Result<Response, Error> {
        let answer = request.send().await.map_err(|source| Error::sending(&self.place, &source))?;
        let status = answer.status();
        if status.is_success() || good.contains(&status) {
            return Ok(answer);
        }
        if status.is_redirection() {
            let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
            return Err(Error::Moved { place: self.place.to_string(), to: to.to_owned() });
        }
        let text = answer.text().await.unwrap_or_default();
        Err(Error::answer(status.as_u16(), serde_json::from_str(&text).ok()))
    }

    fn url(&self, ask: &Ask<'_>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v1"]).extend(&ask.path);
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&ask.query);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str) -> Client {
        Client::new(Place { at: At::Url(url.parse().unwrap()), token: None }).unwrap()
    }

    #[tokio::test]
    async fn what_must_happen_once_is_asked_again_with_the_same_key() {
        use answering::{answer, answering};
        let (client, asked) =
            answering(vec![String::new(), answer(201, &serde_json::json!({"id": 42}))]).await;
        let said = client.post_once(&Ask::at(&["releases"]), &serde_json::json!({})).await.unwrap();
        assert_eq!(said, r#"{"id":42}"#);
        let asked = asked.await.unwrap();
        let key =
            |head: &str| head.lines().find(|line| line.starts_with("idempotency-key: ")).map(str::to_owned);
        assert!(key(&asked[0]).is_some_and(|key| key.len() > 30), "{asked:?}");
        assert_eq!(key(&asked[0]), key(&asked[1]));
        assert!(asked[1].contains("authorization: Bearer geheim"), "{asked:?}");
    }

    #[tokio::test]
    async fn what_began_in_time_may_take_longer_than_that() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let time = Duration::from_secs(2);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = client(&format!("http://{}", listener.local_addr().unwrap()));
        let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab").await.unwrap();
            may_go_on.await.unwrap();
            stream.write_all(b"cd").await.unwrap();
            // Open, and without another word.
            stream
        };
        let reading = async {
            let ask = Ask::at(&["recordings", "1"]).within(time);
            let mut pieces = client.get_stream(&ask).await.unwrap();
            assert_eq!(pieces.next().await.unwrap().unwrap(), b"ab");
            let rest = tokio::time::timeout(time, pieces.next()).await;
            assert!(rest.is_err(), "it ended: {rest:?}");
            go_on.send(()).unwrap();
            assert_eq!(pieces.next().await.unwrap().unwrap(), b"cd");
            // Who does not begin to answer is not waited for.
            client.get_stream(&ask.within(Duration::from_millis(10))).await.err().unwrap()
        };
        let (_silent, error) = tokio::join!(server, reading);
        assert!(error.to_string().contains("no answer in time"), "{error}");
    }

    #[tokio::test]
    async fn no_token_follows_a_redirect() {
        use answering::answering;
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        let (client, _) = answering(vec![moved.to_owned()]).await;
        let error = client.get_text(&Ask::at(&["board"])).await.unwrap_err();
        assert!(matches!(error, Error::Moved { .. }), "{error}");
    }

    #[test]
    fn questions_become_escaped_urls() {
        let ask =
            Ask::at(&["projects", "shop", "refs"]).with("kind", "commit").maybe("of", Some("a&b=c d#é"));
        assert_eq!(
            client("http://127.0.0.1:7171").url(&ask).as_str(),
            "http://127.0.0.1:7171/api/v1/projects/shop/refs?kind=commit&of=a%26b%3Dc+d%23%C3%A9"
        );
        let ask = Ask::at(&["servers", "a/b?c"]).maybe("of", None::<u8>);
        assert_eq!(
            client("http://example.com/aweigh/").url(&ask).as_str(),
            "http://example.com/aweigh/api/v1/servers/a%2Fb%3Fc"
        );
    }
}
