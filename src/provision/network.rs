//! `network.toml`: where the box stands on the network, and what systemd-networkd makes of it.
//!
//! ```text
//!   network.toml ─ address, gateway, interface ─▶ 50-engawa.network ─▶ systemd-networkd
//! ```
//! May be relied on: one wired card with one fixed address or DHCP, and nothing else: no DNS, no NTP, no LLMNR, no multicast DNS, no LLDP,
//! no router advertisements, so that IPv6 has no address but a fixed one. A fixed address stays when the cable is out, so that the link is back
//! as soon as the cable is.

use super::file::quoted;
use crate::config::IpNetwork;
use serde::Deserialize;
use std::fmt::Write as _;
use std::net::IpAddr;
use toml::Spanned;

/// Where the box stands on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// How it comes to its address.
    pub address: Address,
    /// Where everything beyond its own network goes.
    pub gateway: Option<IpAddr>,
    /// A name of network cards as systemd.network(5) matches them, such as `en*`; none: every wired card.
    pub interface: Option<String>,
}

/// How a box comes to its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// DHCP, IPv4.
    Dhcp,
    /// This one, with the length of its network's prefix.
    Fixed(IpNetwork),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    address: Spanned<String>,
    gateway: Option<Spanned<String>>,
    interface: Option<Spanned<String>>,
}

impl NetworkConfig {
    /// Where nobody said otherwise: a box that is not set up yet takes what the network gives it.
    pub const UNSET: Self = Self { address: Address::Dhcp, gateway: None, interface: None };

    /// Reads `network.toml`.
    ///
    /// # Errors
    /// The first mistake: its line, from 1, and what is wrong.
    pub fn read(text: &str) -> Result<Self, (usize, String)> {
        let line = |at: usize| 1 + text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count();
        let written = toml::from_str::<Written>(text)
            .map_err(|error| (error.span().map_or(1, |span| line(span.start)), error.message().to_owned()))?;
        let told = |key: &'static str, value: &Spanned<String>| {
            let (line, value) = (line(value.span().start), value.get_ref().clone());
            move |what: &str| (line, format!("{key} = {value:?}: {what}"))
        };
        let address = Address::read(written.address.get_ref()).map_err(told("address", &written.address))?;
        let gateway = match &written.gateway {
            Some(gateway) => Some(address.gateway(gateway.get_ref()).map_err(told("gateway", gateway))?),
            None => None,
        };
        let interface = match &written.interface {
            Some(name) if is_pattern(name.get_ref()) => Some(name.get_ref().clone()),
            Some(name) => return Err(told("interface", name)("is no name of a network card")),
            None => None,
        };
        Ok(Self { address, gateway, interface })
    }

    /// As `network.toml`.
    pub fn render(&self) -> String {
        let mut text = String::from(
            "# Where this box stands on the network; `engawa network` makes systemd-networkd's file of it.\n",
        );
        let mut line = |key: &str, value: &str| {
            let _infallible = writeln!(text, "{key} = {}", quoted(value));
        };
        match self.address {
            Address::Dhcp => line("address", DHCP),
            Address::Fixed(IpNetwork { address, prefix }) => line("address", &format!("{address}/{prefix}")),
        }
        if let Some(gateway) = self.gateway {
            line("gateway", &gateway.to_string());
        }
        if let Some(interface) = &self.interface {
            line("interface", interface);
        }
        text
    }

    /// As systemd-networkd wants it.
    pub fn networkd(&self) -> String {
        let cards = match &self.interface {
            Some(name) => format!("Name={name}"),
            // Wired ones that are no tunnel, bridge or virtual cable.
            None => "Type=ether\nKind=!*".to_owned(),
        };
        let mut text = format!(
            "# Written by `engawa network`; /etc/engawa/network.toml is what counts.\n[Match]\n{cards}\n\n[Network]\n"
        );
        let six = matches!(self.address, Address::Fixed(IpNetwork { address: IpAddr::V6(_), .. }));
        match self.address {
            Address::Dhcp => text.push_str("DHCP=ipv4\n"),
            Address::Fixed(IpNetwork { address, prefix }) => {
                let _infallible = write!(text, "DHCP=no\nAddress={address}/{prefix}\nConfigureWithoutCarrier=yes\n");
            }
        }
        if let Some(gateway) = self.gateway {
            let _infallible = writeln!(text, "Gateway={gateway}");
        }
        // Neighbours of IPv6 are found from a link-local address.
        let _infallible = writeln!(text, "LinkLocalAddressing={}", if six { "ipv6" } else { "no" });
        text.push_str(SILENT);
        if self.address == Address::Dhcp {
            text.push_str(MODEST);
        }
        text
    }
}

impl Address {
    /// `192.0.2.10/24`, `2001:db8::10/64` or `dhcp`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        if text.eq_ignore_ascii_case(DHCP) {
            return Ok(Self::Dhcp);
        }
        let (address, prefix) =
            text.split_once('/').ok_or("has no length of its network: write 192.0.2.10/24, or dhcp")?;
        let address: IpAddr =
            address.parse().map_err(|_| "is no address: write numbers, such as 192.0.2.10/24, or dhcp")?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix
            .parse()
            .ok()
            .filter(|prefix| (1..=bits).contains(prefix))
            .ok_or("has no length of a network behind its stroke")?;
        let canonical = address.to_canonical();
        let is_link_local = match canonical {
            IpAddr::V4(four) => four.is_link_local() || four.is_broadcast(),
            IpAddr::V6(six) => six.is_unicast_link_local(),
        };
        if canonical.is_loopback() || canonical.is_multicast() || canonical.is_unspecified() || is_link_local {
            return Err("is no address of a box on a network");
        }
        if is_end_of_network(address, prefix) {
            return Err("is the first or last address of its network, which no box can have");
        }
        Ok(Self::Fixed(IpNetwork { address, prefix }))
    }

    /// A gateway of a box with this address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn gateway(&self, text: &str) -> Result<IpAddr, &'static str> {
        let gateway: IpAddr = text.parse().map_err(|_| "is no address: write numbers, such as 192.0.2.1")?;
        match self {
            Self::Dhcp => Err("stands beside dhcp, which brings its own: leave it empty"),
            Self::Fixed(own) if own.address == gateway => Err("is the box's own address"),
            Self::Fixed(own) if !own.contains(gateway) => Err("is not in the network of the box's address"),
            Self::Fixed(_) => Ok(gateway),
        }
    }
}

/// Six pairs of digits with colons or strokes between them; told in small letters with colons, as the kernel does.
pub fn mac(text: &str) -> Option<String> {
    let mac = text.trim().to_ascii_lowercase().replace('-', ":");
    let pairs: Vec<&str> = mac.split(':').collect();
    let is_pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    (pairs.len() == 6 && pairs.iter().all(is_pair) && mac != "00:00:00:00:00:00").then_some(mac)
}

/// Of IPv4 networks that have such addresses.
fn is_end_of_network(address: IpAddr, prefix: u8) -> bool {
    match address {
        IpAddr::V4(four) if prefix < 31 => {
            let host = u32::MAX >> prefix;
            [0, host].contains(&(u32::from(four) & host))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => false,
    }
}

fn is_pattern(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_.-*?[]".contains(letter);
    (1..=64).contains(&name.len()) && name.chars().all(plain)
}

const DHCP: &str = "dhcp";

/// Nothing that asks the network for names, time or neighbours, or tells it of this box.
const SILENT: &str = "\
IPv6AcceptRA=no
LLMNR=no
MulticastDNS=no
LLDP=no
EmitLLDP=no

[Link]
RequiredForOnline=no
";

/// Of DHCP the address and the way out, nothing else. A client id made of the card's own address is the same after every update.
const MODEST: &str = "
[DHCPv4]
ClientIdentifier=mac
UseDNS=no
UseNTP=no
UseSIP=no
UseDomains=no
UseHostname=no
SendHostname=no
UseTimezone=no
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_address_is_written_as_networkd_wants_it() {
        let text = "address = \"192.0.2.10/24\"\ngateway = \"192.0.2.1\"\ninterface = \"en*\"\n";
        let config = NetworkConfig::read(text).expect("valid");
        assert_eq!(NetworkConfig::read(&config.render()), Ok(config.clone()));
        let networkd = config.networkd();
        for line in ["Name=en*", "DHCP=no", "Address=192.0.2.10/24", "Gateway=192.0.2.1", "LinkLocalAddressing=no"] {
            assert!(networkd.lines().any(|other| other == line), "{line}\n{networkd}");
        }
        assert!(!networkd.contains("DNS=yes") && !networkd.contains("NTP=") && !networkd.contains("DHCPv4"));
    }

    #[test]
    fn dhcp_brings_an_address_and_nothing_else() {
        let config = NetworkConfig::read("address = \"dhcp\"\n").expect("valid");
        assert_eq!(config, NetworkConfig::UNSET);
        let networkd = config.networkd();
        for line in [
            "Type=ether",
            "DHCP=ipv4",
            "ClientIdentifier=mac",
            "UseDNS=no",
            "UseNTP=no",
            "UseHostname=no",
            "IPv6AcceptRA=no",
        ] {
            assert!(networkd.lines().any(|other| other == line), "{line}\n{networkd}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, what) in [
            ("address = \"192.0.2.10\"\n", 1, "has no length"),
            ("address = \"192.0.2.0/24\"\n", 1, "first or last"),
            ("address = \"127.0.0.1/8\"\n", 1, "no address of a box"),
            ("address = \"169.254.1.1/16\"\n", 1, "no address of a box"),
            ("address = \"192.0.2.10/24\"\n\ngateway = \"198.51.100.1\"\n", 3, "not in the network"),
            ("address = \"dhcp\"\ngateway = \"192.0.2.1\"\n", 2, "brings its own"),
            ("address = \"dhcp\"\ndns = \"192.0.2.1\"\n", 2, "unknown field"),
            ("address = \"dhcp\"\ninterface = \"en*\\nDNS=192.0.2.1\"\n", 2, "no name of a network card"),
            ("gateway = \"192.0.2.1\"\n", 1, "missing field"),
        ] {
            let (found, told) = NetworkConfig::read(text).expect_err(text);
            assert!(found == line && told.contains(what), "{text}: line {found}: {told}");
        }
    }

    #[test]
    fn a_card_has_one_way_to_be_written() {
        assert_eq!(mac("00-1A-2B-3C-4D-5E").as_deref(), Some("00:1a:2b:3c:4d:5e"));
        for wrong in ["", "00:1a:2b:3c:4d", "00:1a:2b:3c:4d:5g", "00:00:00:00:00:00", "001a2b3c4d5e"] {
            assert_eq!(mac(wrong), None, "{wrong}");
        }
    }
}
