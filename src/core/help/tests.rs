//! Two boxes in pretend time, and what a hostile one says.

use super::*;

const ON: TrunkId = TrunkId(7);
const RIGHT: &str = "246810";

/// The room that asks, the box that is asked, and what stands in its ledger.
struct Pair {
    near: Help,
    far: Help,
    allowed: bool,
    open: bool,
    paper: Result<String, HelpDenied>,
    ledger: Vec<Entry>,
    now: Moment,
}

impl Pair {
    fn new() -> Self {
        let (near, far) = (Help::default(), Help::default());
        Self { near, far, allowed: true, open: true, paper: Ok("fine\n".into()), ledger: Vec::new(), now: at(1000) }
    }

    fn ask(&mut self, task: Task, pin: &str) -> Answer {
        let pin = Pin::new(pin.into()).expect("a PIN");
        let answer = self.near.ask(Some(ON), task, pin, self.now);
        self.settle();
        answer
    }

    /// Everything that is said now is heard, and every wish granted at once.
    fn settle(&mut self) {
        loop {
            let open = self.open;
            self.near.follow(|_| open, self.now);
            self.far.follow(|_| open, self.now);
            if let Some(output) = self.near.poll_output() {
                if let Output::Send { signal: Signal::Help(word), .. } = output {
                    self.far.hear(ON, &word, self.allowed, self.now);
                }
                continue;
            }
            match self.far.poll_output() {
                Some(Output::Send { signal: Signal::Help(word), .. }) => self.near.hear(ON, &word, true, self.now),
                Some(Output::Record(entry)) => self.ledger.push(entry),
                Some(Output::Help(HelpWish::CheckPin { number, pin })) => {
                    let fault = (pin.as_str() != RIGHT).then_some(HelpDenied::WrongPin);
                    self.far.pin_checked(number, fault, self.now);
                }
                Some(Output::Help(HelpWish::CarryOut { number, .. })) => {
                    self.far.carried_out(number, self.paper.clone(), self.now);
                }
                Some(other) => panic!("another output: {other:?}"),
                None => return,
            }
        }
    }

    /// Time passes, from deadline to deadline.
    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(due) = self.near.due().into_iter().chain(self.far.due()).min().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    fn state(&self) -> AskedState {
        self.near.asked().expect("something was asked").state
    }
}

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

#[test]
fn a_long_paper_arrives_slowly_and_of_it_the_end() {
    let mut pair = Pair::new();
    let lines: Vec<String> = (0..20_000).map(|line| format!("行 {line}")).collect();
    pair.paper = Ok(lines.join("\n"));
    assert_eq!(pair.ask(Task::Support, RIGHT), Answer::Accepted);
    assert_eq!(pair.state(), AskedState::Granted);
    assert_eq!(pair.ask(Task::Support, RIGHT), Answer::Denied(Denied::HelpRuns));
    assert!(pair.near.asked().expect("asked").paper.len() <= PART, "one part at a time");
    pair.pass(Duration::from_secs(6));
    let asked = pair.near.asked().expect("asked");
    assert_eq!(asked.state, AskedState::Done);
    assert!((MOST_PAPER - 20..=MOST_PAPER).contains(&asked.paper.len()), "{}", asked.paper.len());
    assert!(asked.paper.starts_with("行 ") && asked.paper.ends_with("行 19999"), "whole lines, the newest");
    assert_eq!(pair.ledger, [Entry::HelpGiven { task: Task::Support }]);
}

#[test]
fn the_room_sees_that_somebody_helps_until_a_minute_after() {
    let mut pair = Pair::new();
    pair.ask(Task::Support, "135790");
    assert_eq!((pair.state(), pair.far.is_helped()), (AskedState::Denied(HelpDenied::WrongPin), false));
    pair.ask(Task::Support, RIGHT);
    assert!(pair.far.is_helped() && !pair.near.is_helped());
    pair.pass(Duration::from_secs(59));
    assert!(pair.far.is_helped());
    pair.pass(Duration::from_secs(1));
    assert!(!pair.far.is_helped());
    assert_eq!(
        pair.ledger,
        [Entry::HelpRefused { why: HelpDenied::WrongPin }, Entry::HelpGiven { task: Task::Support }]
    );
}

#[test]
fn a_box_that_may_not_be_helped_checks_no_pin_and_says_so_once() {
    let mut pair = Pair::new();
    pair.allowed = false;
    for _ in 0..100 {
        pair.ask(Task::BeginAnew, RIGHT);
        assert_eq!(pair.state(), AskedState::Denied(HelpDenied::NotAllowed));
    }
    assert_eq!(pair.ledger, [Entry::HelpRefused { why: HelpDenied::NotAllowed }]);
    assert!(!pair.far.is_helped());
}

#[test]
fn a_box_that_begins_anew_takes_its_line_along_and_every_other_cut_is_one() {
    for (task, left) in [(Task::BeginAnew, AskedState::Done), (Task::Support, AskedState::Denied(HelpDenied::CutOff))] {
        let mut pair = Pair::new();
        pair.paper = Ok("x".repeat(3 * PART));
        pair.ask(task, RIGHT);
        assert_eq!(pair.state(), AskedState::Granted);
        pair.open = false;
        pair.settle();
        assert_eq!(pair.state(), left, "{task:?}");
        assert_eq!(pair.far.due(), Some(pair.now + SHOWN), "nothing is told into a cut line");
    }
}

#[test]
fn a_version_before_is_not_waited_for() {
    let (mut near, pin) = (Help::default(), Pin::new(RIGHT.into()).expect("a PIN"));
    assert_eq!(near.ask(None, Task::Support, pin.clone(), at(1)), Answer::Denied(Denied::NoLink));
    assert_eq!(near.ask(Some(ON), Task::Support, pin, at(1)), Answer::Accepted);
    assert_eq!(near.due(), Some(at(6)));
    near.follow(|_| true, at(6));
    assert_eq!(near.asked().map(|asked| asked.state), Some(AskedState::Denied(HelpDenied::NoAnswer)));
    assert_eq!(near.due(), None);
}

#[test]
fn what_a_hostile_box_says_of_a_paper_is_bounded() {
    let mut near = Help::default();
    let pin = Pin::new(RIGHT.into()).expect("a PIN");
    near.ask(Some(ON), Task::Support, pin, at(1));
    let say = |near: &mut Help, number, word: HelpWord| {
        near.hear(ON, &word, true, at(2));
        (near.asked().expect("asked").state, near.asked().expect("asked").paper.len(), number).0
    };
    let text = "x".repeat(PART);
    assert_eq!(say(&mut near, 9, HelpWord::Granted { number: 9 }), AskedState::Asked, "of another question");
    near.hear(TrunkId(8), &HelpWord::Granted { number: 1 }, true, at(2));
    assert_eq!(near.asked().map(|asked| asked.state), Some(AskedState::Asked), "on another connection");
    say(&mut near, 1, HelpWord::Granted { number: 1 });
    for part in 0..2000 {
        say(&mut near, 1, HelpWord::Part { number: 1, part, text: text.clone() });
    }
    let asked = near.asked().expect("asked");
    assert_eq!(asked.state, AskedState::Denied(HelpDenied::Failed));
    assert!(asked.paper.len() <= MOST_PAPER + PART);
}

#[test]
fn who_knows_the_pin_and_asks_without_end_fills_no_ledger() {
    let mut pair = Pair::new();
    for number in 0..1000 {
        let pin = Pin::new(RIGHT.into()).expect("a PIN");
        pair.far.hear(ON, &HelpWord::Ask { number, task: Task::Install, pin }, true, pair.now);
        pair.settle();
        pair.now = pair.now + Duration::from_millis(10);
    }
    assert!((9..=11).contains(&pair.ledger.len()), "{}", pair.ledger.len());
}

#[test]
fn a_box_that_only_keeps_talking_is_waited_for_no_longer() {
    let mut near = Help::default();
    let begun = at(1000);
    let pin = Pin::new(RIGHT.into()).expect("a PIN");
    assert_eq!(near.ask(Some(ON), Task::Support, pin, begun), Answer::Accepted);
    let mut now = begun;
    while near.asked().expect("asked").runs() {
        near.hear(ON, &HelpWord::Granted { number: 1 }, true, now);
        now = now + Duration::from_secs(1);
        near.follow(|_| true, now);
        assert!(now.since(begun) <= ALL_DUE, "without end");
    }
    assert_eq!(near.asked().expect("asked").state, AskedState::Denied(HelpDenied::NoAnswer));
}
