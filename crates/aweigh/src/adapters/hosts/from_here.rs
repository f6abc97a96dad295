//! Streams that begin on this machine: where they may lead.

use engine::ports::HostError;
use model::gives_credentials;
use transport::Session;

use super::trouble::{from_transport, other};

/// A stream from this machine itself, to no address at which a cloud gives credentials away. A name may mean another
/// address a moment later, so the one that was judged is the one that is reached.
pub(super) async fn from_here(here: &Session, host: &str, port: u16) -> Result<transport::Stream, HostError> {
    let found = tokio::net::lookup_host((host, port)).await;
    let found =
        found.map_err(|error| other(format!("cannot resolve the host name {host}: {error}"), None))?;
    let mut last = other(format!("{host} has no address"), None);
    for address in found.map(|address| address.ip().to_canonical()) {
        if gives_credentials(address) {
            let message = format!("{host} is {address}, where clouds keep credentials, and is not asked");
            return Err(other(message, Some("health is asked of the service itself")));
        }
        match here.forward(&address.to_string(), port).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = from_transport(&error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T08: of this machine nobody asks the address of a cloud's credentials, however it is written.
    #[tokio::test]
    async fn a_stream_from_here_leads_to_no_address_of_credentials() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let here = Session::local();
        for good in ["127.0.0.1", "localhost", "::ffff:127.0.0.1"] {
            assert!(from_here(&here, good, port).await.is_ok(), "{good}");
        }
        for bad in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "2852039166",
            "0xA9FEA9FE",
            "0251.0376.0251.0376",
        ] {
            let error = from_here(&here, bad, port).await.err().unwrap();
            assert!(
                error.message.contains("where clouds keep credentials")
                    || error.message.contains("cannot resolve"),
                "{bad}: {error:?}"
            );
        }
    }
}
