//! A USB camera that hangs however often it is opened is taken off its bus and put back, as if somebody had pulled its plug.
//!
//! ```text
//!   camera: opened in vain ─► /run/engawa-unwedge/socket ─► engawa-unwedge@.service: grant ─► /sys/…/1-2/authorized: 0, a moment, 1
//!                                    "video0" ─►   ◄─ "reset", or why not
//! ```
//! May be relied on: a wish is one line and one answer, and ends within seconds. Whoever grants it believes the wish nothing but a name:
//! what is reset is a USB device with a video interface that this very node belongs to, never a hub and nothing else.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// Asks for it; `node` is the camera's, however it is named below /dev. Waits for some seconds: not for the loop.
///
/// # Errors
/// When there is no such node, nobody grants wishes here, or the one who does refused.
pub fn wish(node: &Path) -> io::Result<()> {
    let node = std::fs::canonicalize(node)?;
    let name = node.file_name().and_then(|name| name.to_str()).ok_or(ErrorKind::InvalidInput)?;
    ask(Path::new(SOCKET), name)
}

/// Reads one wish, carries it out and answers. `write` puts a text into a file of sysfs.
///
/// # Errors
/// When the wish was none, or `write` failed; the wisher was told so.
pub fn grant(
    from: impl Read,
    mut to: impl Write,
    sys: &Path,
    write: impl FnMut(&Path, &str) -> io::Result<()>,
) -> io::Result<()> {
    let mut wish = String::new();
    from.take(LONGEST).read_to_string(&mut wish)?;
    let done = authorization(wish.trim_end(), sys).and_then(|switch| put_back(&switch, write));
    let answer = done.as_ref().map_or_else(ToString::to_string, |()| RESET.to_owned());
    to.write_all(format!("{answer}\n").as_bytes())?;
    done
}

/// Into a file that is there.
///
/// # Errors
/// As the file system says.
pub fn write(file: &Path, text: &str) -> io::Result<()> {
    std::fs::OpenOptions::new().write(true).open(file)?.write_all(text.as_bytes())
}

/// The switch of the USB device that this node belongs to.
fn authorization(name: &str, sys: &Path) -> io::Result<PathBuf> {
    let refuse = |why: &str| Error::new(ErrorKind::InvalidInput, why.to_owned());
    let number = name.strip_prefix("video").filter(|number| !number.is_empty() && number.len() <= 4);
    if !number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(refuse("this is not the name of a camera"));
    }
    let devices = std::fs::canonicalize(sys.join("devices"))?;
    let interface = std::fs::canonicalize(sys.join("class/video4linux").join(name).join("device"))?;
    let says = |home: &Path, file: &str| std::fs::read_to_string(home.join(file)).unwrap_or_default().trim().to_owned();
    if !interface.starts_with(&devices) || says(&interface, "bInterfaceClass") != VIDEO {
        return Err(refuse("this camera is not on USB"));
    }
    let device = interface.parent().filter(|device| device.join("idVendor").exists());
    let device =
        device.filter(|device| says(device, "bDeviceClass") != HUB).ok_or_else(|| refuse("this is no camera"))?;
    Ok(device.join("authorized"))
}

/// Off and on. On is tried again: a camera that stays off is worse than one that hangs.
fn put_back(switch: &Path, mut write: impl FnMut(&Path, &str) -> io::Result<()>) -> io::Result<()> {
    let off = write(switch, "0");
    let mut on = Ok(());
    for _ in 0..TRIES {
        pause();
        on = write(switch, "1");
        if on.is_ok() {
            break;
        }
    }
    off.and(on)
}

fn ask(socket: &Path, name: &str) -> io::Result<()> {
    let mut line = UnixStream::connect(socket)?;
    line.set_read_timeout(Some(ANSWERED_WITHIN))?;
    line.set_write_timeout(Some(ANSWERED_WITHIN))?;
    line.write_all(format!("{name}\n").as_bytes())?;
    line.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    BufReader::new(line.take(LONGEST)).read_line(&mut answer)?;
    match answer.trim_end() {
        RESET => Ok(()),
        why => Err(Error::other(why)),
    }
}

/// Nobody ever sends: it passes.
fn pause() {
    let (_sender, receiver) = mpsc::channel::<()>();
    let _passed = receiver.recv_timeout(PAUSE);
}

/// systemd/engawa-unwedge.socket.
const SOCKET: &str = "/run/engawa-unwedge/socket";
const RESET: &str = "reset";
/// Bytes of a wish or an answer.
const LONGEST: u64 = 256;
/// Hanging drivers take their time to let go.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// Between off and on, and between tries.
const PAUSE: Duration = Duration::from_millis(500);
const TRIES: u32 = 3;
/// Class codes of USB.
const VIDEO: &str = "0e";
const HUB: &str = "09";

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use tempfile::TempDir;

    /// /sys with a USB camera (video0, and its metadata as video1), a capture card (video2), and a virtual camera (video3).
    fn sys() -> TempDir {
        let sys = tempfile::tempdir().expect("a directory");
        let put = |name: &str, text: &str| {
            let path = sys.path().join(name);
            fs::create_dir_all(path.parent().expect("a home")).expect("made");
            fs::write(path, text).expect("written");
        };
        let camera = "devices/pci0000:00/0000:00:14.0/usb1/1-2";
        put(&format!("{camera}/idVendor"), "046d\n");
        put(&format!("{camera}/bDeviceClass"), "ef\n");
        put(&format!("{camera}/authorized"), "1\n");
        put(&format!("{camera}/1-2:1.0/bInterfaceClass"), "0e\n");
        put(&format!("{camera}/1-2:1.2/bInterfaceClass"), "01\n");
        put("devices/pci0000:00/0000:00:14.0/usb1/idVendor", "1d6b\n");
        put("devices/pci0000:00/0000:00:14.0/usb1/bDeviceClass", "09\n");
        put("devices/pci0000:00/0000:00:14.0/usb1/1-0:1.0/bInterfaceClass", "0e\n");
        put("devices/pci0000:00/0000:00:1f.0/class", "0x040000\n");
        put("devices/platform/vivid.0/modalias", "vivid\n");
        for (node, device) in [
            ("video0", format!("{camera}/1-2:1.0")),
            ("video1", format!("{camera}/1-2:1.2")),
            ("video2", "devices/pci0000:00/0000:00:1f.0".to_owned()),
            ("video3", "devices/platform/vivid.0".to_owned()),
            ("video4", "devices/pci0000:00/0000:00:14.0/usb1/1-0:1.0".to_owned()),
            ("video5", "..".to_owned()),
        ] {
            let home = sys.path().join("class/video4linux").join(node);
            fs::create_dir_all(&home).expect("made");
            symlink(sys.path().join(device), home.join("device")).expect("linked");
        }
        sys
    }

    #[test]
    fn the_camera_is_taken_off_its_bus_and_put_back() {
        let sys = sys();
        let (mut written, mut answer) = (Vec::new(), Vec::new());
        let keep = |file: &Path, text: &str| {
            written.push((file.to_owned(), text.to_owned()));
            // Off takes the driver away; the first time it does not come back.
            if written.len() == 2 { Err(ErrorKind::TimedOut.into()) } else { write(file, text) }
        };
        grant(&b"video0\n"[..], &mut answer, sys.path(), keep).expect("granted");
        let switch =
            fs::canonicalize(sys.path()).expect("there").join("devices/pci0000:00/0000:00:14.0/usb1/1-2/authorized");
        assert_eq!(written, ["0", "1", "1"].map(|text| (switch.clone(), text.to_owned())));
        assert_eq!(answer, b"reset\n");
        assert!(fs::read_to_string(switch).expect("there").starts_with('1'));
    }

    #[test]
    fn nothing_but_a_usb_camera_is_ever_reset() {
        let sys = sys();
        for wish in [
            "",
            "video",
            "video1",
            "video2",
            "video3",
            "video4",
            "video5",
            "video9",
            "video00000",
            "video0/../video0",
            "../video0",
            "1-2",
            "/dev/video0",
            "video0\nvideo0",
            "video０",
        ] {
            let mut answer = Vec::new();
            let granted =
                grant(wish.as_bytes(), &mut answer, sys.path(), |file, _| panic!("{wish}: {}", file.display()));
            assert!(granted.is_err() && !answer.is_empty() && !answer.starts_with(RESET.as_bytes()), "{wish}");
        }
        assert!(grant(io::repeat(b'1'), Vec::new(), sys.path(), |_, _| panic!("an endless wish")).is_err());
    }

    #[test]
    fn a_refusal_comes_back_in_words_and_without_the_unit_the_wish_ends_at_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let (socket, sys) = (directory.path().join("socket"), sys());
        assert_eq!(ask(&socket, "video0").expect_err("nobody").kind(), ErrorKind::NotFound);
        let listener = UnixListener::bind(&socket).expect("bound");
        let unit = std::thread::spawn(move || {
            for _ in 0..2 {
                let (line, _) = listener.accept().expect("asked");
                let _told = grant(&line, &line, sys.path(), write);
            }
        });
        ask(&socket, "video0").expect("granted");
        assert_eq!(ask(&socket, "video3").expect_err("refused").to_string(), "this camera is not on USB");
        unit.join().expect("ended");
    }
}
