//! Nothing of playout is left when it ends. A file of its own: it counts the process's threads.

mod playout_support;

use engawa::config::Sink;
use engawa::model::VideoCodec;
use playout_support::*;

fn ours() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| ["voice", "picture", "screen", "outlet"].contains(&name.trim())).count()
}

#[test]
fn nothing_runs_on_when_playout_ends() {
    for _ in 0..5 {
        let bench = playout(VideoCodec::H264, Sink::Gst("fakesink".into()), Sink::Gst("fakesink".into()), None);
        assert!(eventually(|| ours() == 5), "voice, picture, screen and two outlets, not {}", ours());
        bench.playout.stop();
        assert!(eventually(|| ours() == 0), "{} threads run on", ours());
    }
}
