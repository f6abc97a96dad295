//! Why a host cannot be used: the errors of `transport` by the kinds that the engine tells apart.

use engine::ports::{HostError, HostTrouble};

/// What `transport` says, in the terms of the engine.
pub(super) fn from_transport(error: &transport::Error) -> HostError {
    use transport::Error;
    let kind = match error.cause() {
        Error::Resolve { .. } => HostTrouble::Unresolved,
        Error::Refused { .. } => HostTrouble::Away,
        Error::HungUp { .. } | Error::TurnedAway { .. } => HostTrouble::HungUp,
        Error::Unreachable { .. } | Error::ConnectTimeout { .. } => HostTrouble::Unreachable,
        Error::Silent { .. } | Error::HandshakeTimeout { .. } | Error::NotSsh { .. } => {
            HostTrouble::NoHandshake
        }
        Error::HostKeyUnknown { .. } | Error::HostKeyChanged { .. } | Error::HostCertificate { .. } => {
            HostTrouble::HostKey
        }
        Error::NoCredential { .. }
        | Error::KeyMalformed { .. }
        | Error::KeyUnsupported { .. }
        | Error::KeyIsPublic
        | Error::KeyIsPutty
        | Error::KeyOldEncryption
        | Error::KeyNeedsPassphrase
        | Error::WrongPassphrase
        | Error::CertificateMalformed
        | Error::CertificateOfHost
        | Error::CertificateOfAnotherKey
        | Error::CertificateExpired { .. }
        | Error::CertificateNotYet { .. }
        | Error::CertificateNames { .. } => HostTrouble::Credential,
        Error::PasswordRefused { .. }
        | Error::KeyRefused { .. }
        | Error::AgentRefused { .. }
        | Error::MethodNotOffered { .. }
        | Error::FactorMissing { .. }
        | Error::Questions { .. }
        | Error::RsaSha1 { .. }
        | Error::CertificateRefused { .. }
        | Error::AgentAbsent { .. }
        | Error::AgentEmpty { .. }
        | Error::Agent { .. } => HostTrouble::Denied,
        Error::Lost { .. } | Error::Closed => HostTrouble::Lost,
        // A jump host that forbids the way is no server that forbids a look at its own ports.
        Error::ForwardRefused { .. } if error.hops() > 0 => HostTrouble::NoWay,
        Error::ForwardRefused { .. } => HostTrouble::ForwardRefused,
        _ => HostTrouble::Other,
    };
    let hint = Some(error.hint()).filter(|hint| !hint.is_empty()).map(str::to_owned);
    HostError { kind, message: error.to_string(), hint }
}

/// A credential that cannot be used.
pub(super) fn unusable(message: String, hint: Option<&str>) -> HostError {
    HostError { kind: HostTrouble::Credential, message, hint: hint.map(str::to_owned) }
}

/// A jump host that is no way.
pub(super) fn no_way(message: String, hint: Option<&str>) -> HostError {
    HostError { kind: HostTrouble::NoWay, message, hint: hint.map(str::to_owned) }
}

/// Whatever has no kind of its own.
pub(super) fn other(message: String, hint: Option<&str>) -> HostError {
    HostError { kind: HostTrouble::Other, message, hint: hint.map(str::to_owned) }
}
