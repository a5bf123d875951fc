//! What the installer sets for the room: views, masks, meeting, hours, panel.

use super::Source;
use super::check::camera_source;
use super::raw::Complaint;
use crate::model::{Bitrate, InputShows, Profile, TakeOver};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// A named way the camera looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// As people read it; at most 32 characters.
    pub name: String,
    /// What is shown.
    pub look: Look,
}

impl View {
    /// Whether the first camera gives it, turned or not.
    pub fn of_first_camera(&self, first: &Source) -> bool {
        match &self.look {
            Look::Camera(source) => source == first,
            Look::Whole | Look::Crop(_) | Look::Preset { .. } => true,
        }
    }
}

/// What a view shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The camera's whole picture.
    Whole,
    /// A part of it, enlarged.
    Crop(Area),
    /// A second camera.
    Camera(Source),
    /// The camera turned by its own motors: V4L2 pan and tilt in arc seconds, zoom in the driver's units.
    Preset {
        /// Arc seconds.
        pan: i32,
        /// Arc seconds.
        tilt: i32,
        /// The driver's units.
        zoom: i32,
    },
}

/// A rectangle in a picture, in thousandths of its width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: u16,
    /// Upper edge.
    pub y: u16,
    /// Width.
    pub width: u16,
    /// Height.
    pub height: u16,
}

/// `[room]` and `[meeting]`
#[derive(Clone, Debug, PartialEq)]
pub struct RoomConfig {
    /// `[camera] views`: at least one.
    pub views: Vec<View>,
    /// `[camera] masks`: painted over before the encoder, in the whole picture of the first camera.
    pub masks: Vec<Area>,
    /// `[meeting] view`: index into `views`.
    pub meeting_view: Option<usize>,
    /// `[meeting] fps`, `[meeting] kbps`
    pub meeting: Profile,
    /// `[room] fps`, `[room] kbps`
    pub everyday: Profile,
    /// `[meeting] follow_turns`
    pub follow_turns: bool,
    /// `[meeting] keep_days`: 0: nothing is kept.
    pub keep_days: u32,
    /// `[share] take_over`
    pub take_over: TakeOver,
    /// `[room] quiet_after_seconds`
    pub quiet_after: Duration,
    /// `[room] hours`
    pub hours: Option<Hours>,
    /// `[room] holidays`: Japanese public holidays count as closed.
    pub holidays: bool,
    /// `[room] keypad`: "auto", "none" or a name under /dev/input/by-id.
    pub keypad: String,
}

impl RoomConfig {
    /// Indices of the views of another camera than the first.
    pub fn elsewhere(&self, first: &Source) -> Vec<usize> {
        let views = self.views.iter().enumerate();
        views.filter(|(_, view)| !view.of_first_camera(first)).map(|(at, _)| at).collect()
    }
}

/// Office hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Monday first.
    pub days: [bool; 7],
    /// Minutes after midnight, local time of the box.
    pub from: u16,
    /// Minutes after midnight; later than `from`.
    pub to: u16,
}

/// `[share]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareConfig {
    /// `port`: UDP, where PCs of the room send their pictures.
    pub port: u16,
    /// `input`: HDMI or USB capture.
    pub input: Source,
    /// `input_shows`
    pub input_shows: InputShows,
}

/// `[panel]`
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PanelConfig {
    /// `listen`; none: there is no panel.
    pub listen: Option<SocketAddr>,
    /// `room`: who may connect; empty: the networks of the box's own addresses, without the peer.
    pub room: Vec<IpNetwork>,
    /// `pin`: opens the installer's pages; none: only the room code does.
    pub pin: Option<String>,
    /// `remote_help`: whoever knows the PIN may help from the other room; never without a PIN.
    pub remote_help: bool,
}

/// An address block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpNetwork {
    /// Any address in it.
    pub address: IpAddr,
    /// Bits that count.
    pub prefix: u8,
}

impl IpNetwork {
    /// Whether the address lies in it; an IPv4 address mapped into IPv6 is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                u32::from(own) & mask == u32::from(other) & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                u128::from(own) & mask == u128::from(other) & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

type Checked<T> = Result<T, Complaint>;

/// `NAME=all; NAME=crop:X,Y,W,H; NAME=camera:SOURCE; NAME=preset:PAN,TILT,ZOOM`; empty is one view of everything.
pub(super) fn views(text: &str, home: &Path) -> Checked<Vec<View>> {
    let mut views: Vec<View> = Vec::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((name, look)) = part.split_once('=') else {
            return refuse(format!("has a view without a name: {part}"), "write NAME=all or NAME=crop:X,Y,W,H");
        };
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 32 || name.chars().any(char::is_control) {
            return refuse("has a view whose name people cannot read", "1 to 32 characters");
        }
        if views.iter().any(|view| view.name == name) {
            return refuse(format!("has two views called {name}"), "");
        }
        views.push(View { name, look: self::look(look.trim(), home)? });
    }
    if views.len() > MOST_VIEWS {
        return refuse("has too many views", format!("{MOST_VIEWS} at most"));
    }
    if views.is_empty() {
        views.push(View { name: "全体".into(), look: Look::Whole });
    }
    Ok(views)
}

/// `X,Y,W,H; X,Y,W,H`, in percent.
pub(super) fn masks(text: &str) -> Checked<Vec<Area>> {
    let masks: Vec<Area> =
        text.split(';').map(str::trim).filter(|part| !part.is_empty()).map(area).collect::<Checked<_>>()?;
    if masks.len() > MOST_MASKS {
        return refuse("has too many masks", format!("{MOST_MASKS} at most"));
    }
    Ok(masks)
}

/// `mon-fri 08:30-17:15`; empty: always open.
pub(super) fn hours(text: &str) -> Checked<Option<Hours>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let wrong = || Complaint::new("is no office hours", "write days and times, such as \"mon-fri 08:30-17:15\"");
    let (days, times) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let (Some(first), Some(last)) = (day(first), day(last)) else { return Err(wrong()) };
    let mut open = [false; 7];
    open.iter_mut().enumerate().for_each(|(place, open)| *open = (first..=last).contains(&place));
    let minutes = |time: &str| {
        let (hour, minute) = time.trim().split_once(':')?;
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (hour <= 24 && minute < 60).then_some(hour * 60 + minute).filter(|minutes| *minutes <= 24 * 60)
    };
    let (from, to) = times.split_once('-').ok_or_else(wrong)?;
    match (minutes(from), minutes(to)) {
        (Some(from), Some(to)) if from < to && first <= last => Ok(Some(Hours { days: open, from, to })),
        _ => Err(wrong()),
    }
}

/// `192.0.2.0/24, 2001:db8::/64`
pub(super) fn networks(text: &str) -> Checked<Vec<IpNetwork>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(network).collect()
}

/// Six or more digits.
pub(super) fn pin(text: String) -> Checked<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() < 6 || text.len() > 32 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return refuse("is no PIN", "6 to 32 digits");
    }
    Ok(Some(text))
}

pub(super) fn keypad(text: String) -> Checked<String> {
    if text.trim().is_empty() || text.contains('/') || text.contains('\0') {
        return refuse("is no keypad", "write \"auto\", \"none\" or a name from /dev/input/by-id");
    }
    Ok(text)
}

/// Frames per second; 0: as many as the camera gives.
pub(super) fn most_fps(number: i64) -> Checked<Option<u32>> {
    match u32::try_from(number) {
        Ok(0) => Ok(None),
        Ok(fps @ 1..=60) => Ok(Some(fps)),
        Ok(_) | Err(_) => refuse("is no frame rate", "1 to 60, or 0 for as many as the camera gives"),
    }
}

/// Kilobits per second; 0: what the line's ceiling leaves.
pub(super) fn most_kbps(number: i64) -> Checked<Option<Bitrate>> {
    match u32::try_from(number) {
        Ok(0) => Ok(None),
        Ok(kbps @ 50..=100_000) => Ok(Some(Bitrate::from_kbps(kbps))),
        Ok(_) | Err(_) => refuse("is no bandwidth", "50 to 100000 kbit/s, or 0 for what the line's ceiling leaves"),
    }
}

/// Days.
pub(super) fn keep_days(number: i64) -> Checked<u32> {
    match u32::try_from(number) {
        Ok(days @ 0..=31) => Ok(days),
        Ok(_) | Err(_) => refuse("is no time to keep documents", "1 to 31 days, or 0 to keep nothing"),
    }
}

/// Whether a second screen takes the place of the first.
pub(super) fn take_over(text: String) -> Checked<TakeOver> {
    match text.as_str() {
        "ask" => Ok(TakeOver::Ask),
        "allow" => Ok(TakeOver::Allow),
        "refuse" => Ok(TakeOver::Refuse),
        _ => refuse("is no rule", "write \"ask\", \"allow\" or \"refuse\""),
    }
}

/// Seconds.
pub(super) fn quiet_after(number: i64) -> Checked<Duration> {
    match u64::try_from(number) {
        Ok(seconds @ 10..=86_400) => Ok(Duration::from_secs(seconds)),
        Ok(_) | Err(_) => refuse("is no time to wait", "10 to 86400 seconds"),
    }
}

pub(super) fn panel_listen(text: &str) -> Checked<Option<SocketAddr>> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() != 0 && !address.ip().is_multicast() => Ok(Some(address)),
        Ok(_) | Err(_) => refuse("is not an address and port", "write numbers, such as \"[::]:443\""),
    }
}

fn look(text: &str, home: &Path) -> Checked<Look> {
    match text.split_once(':') {
        None if text == "all" => Ok(Look::Whole),
        Some(("crop", area)) => Ok(Look::Crop(self::area(area)?)),
        Some(("camera", source)) => Ok(Look::Camera(camera_source(source.to_owned(), home)?)),
        Some(("preset", numbers)) => {
            let numbers: Vec<i32> = numbers.split(',').filter_map(|number| number.trim().parse().ok()).collect();
            match numbers[..] {
                [pan, tilt, zoom] => Ok(Look::Preset { pan, tilt, zoom }),
                _ => refuse("has a preset without pan, tilt and zoom", "write preset:PAN,TILT,ZOOM"),
            }
        }
        None | Some(_) => refuse(format!("has a view that is not one: {text}"), "all, crop:, camera: or preset:"),
    }
}

fn area(text: &str) -> Checked<Area> {
    let wrong = || Complaint::new(format!("has an area that is not one: {text}"), "write X,Y,W,H in percent");
    let numbers: Vec<f64> = text.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let [x, y, width, height] = numbers[..] else { return Err(wrong()) };
    let inside = |start: f64, length: f64| start >= 0.0 && length >= 1.0 && start + length <= 100.0;
    if !inside(x, width) || !inside(y, height) {
        return Err(wrong());
    }
    let thousandths = |percent: f64| (percent * 10.0).round() as u16;
    Ok(Area { x: thousandths(x), y: thousandths(y), width: thousandths(width), height: thousandths(height) })
}

fn network(text: &str) -> Checked<IpNetwork> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address = address.parse::<IpAddr>().ok();
    let most = address.map_or(0, |address| if address.is_ipv4() { 32 } else { 128 });
    let prefix = prefix.map_or(Some(most), |prefix| prefix.parse().ok().filter(|prefix| *prefix <= most));
    match (address, prefix) {
        (Some(address), Some(prefix)) => Ok(IpNetwork { address, prefix }),
        _ => refuse(format!("has a network that is not one: {text}"), "write numbers, such as \"192.0.2.0/24\""),
    }
}

fn refuse<T>(what: impl Into<String>, hint: impl Into<String>) -> Checked<T> {
    Err(Complaint::new(what, hint))
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MOST_VIEWS: usize = 8;
const MOST_MASKS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_read_as_people_write_them() {
        let views = views("部屋=all; 机=crop:25,50,50,50;扉=camera:test; 板=preset:-3600,0,100", Path::new("")).ok();
        let looks: Vec<Look> = views.unwrap_or_default().into_iter().map(|view| view.look).collect();
        let half = Area { x: 250, y: 500, width: 500, height: 500 };
        let preset = Look::Preset { pan: -3600, tilt: 0, zoom: 100 };
        assert_eq!(looks, [Look::Whole, Look::Crop(half), Look::Camera(Source::Test), preset]);
        for wrong in ["all", "a=crop:90,0,20,10", "a=all;a=all", "=all", "a=somewhere", "a=crop:nan,0,1,1"] {
            assert!(self::views(wrong, Path::new("")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn office_hours_are_days_and_times() {
        let hours = hours("mon-fri 08:30-17:15").ok().flatten().map(|hours| (hours.days, hours.from, hours.to));
        assert_eq!(hours, Some(([true, true, true, true, true, false, false], 510, 1035)));
        for wrong in ["8:30-17:15", "mon-fri", "fri-mon 1:00-2:00", "mon 17:00-8:00", "mon 25:00-26:00", "mon 1-2"] {
            assert!(self::hours(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_network_contains_its_own_and_nobody_else() {
        let holds = |network: &str, address: &str| {
            self::network(network).is_ok_and(|network| network.contains(address.parse().expect("an address")))
        };
        assert!(holds("192.0.2.0/24", "192.0.2.200") && holds("192.0.2.0/24", "::ffff:192.0.2.9"));
        assert!(!holds("192.0.2.0/24", "192.0.3.1") && !holds("192.0.2.0/24", "2001:db8::1"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && holds("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
    }
}
