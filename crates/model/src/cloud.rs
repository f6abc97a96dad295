//! Where clouds give credentials away, to everything that asks from one of their machines.

use std::net::IpAddr;

/// Addresses of their own, beside the link-local ones: of Alibaba Cloud, of Azure, and over IPv6 of AWS and of Google Cloud.
const OWN: [&str; 4] = ["100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"];

/// Whether a cloud may answer with credentials at `address`, however that is written: it is link-local, or one that is known.
pub fn gives_credentials(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    is_link_local || OWN.iter().any(|own| own.parse() == Ok(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_clouds_are_known_in_every_form() {
        let gives = |address: &str| gives_credentials(address.parse().unwrap());
        for bad in [
            "169.254.169.254",
            "169.254.170.2",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "fd00:0ec2:0:0:0:0:0:0254",
            "fd20:ce::254",
            "100.100.100.200",
            "::ffff:100.100.100.200",
            "168.63.129.16",
        ] {
            assert!(gives(bad), "{bad}");
        }
        for good in ["127.0.0.1", "10.0.0.1", "100.100.100.100", "fd00:ec2::1", "::1", "8.8.8.8"] {
            assert!(!gives(good), "{good}");
        }
        assert!(OWN.iter().all(|own| own.parse::<IpAddr>().is_ok()));
    }
}
