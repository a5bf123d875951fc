//! One day in one room: the lesson, then thumbnails with the truth beside them.

use super::camera::{Before, Camera, Pose};
use super::dice::Dice;
use super::lights::Lights;
use super::params as p;
use super::people::Person;
use super::room::Room;
use super::scene::{Scene, around};
use super::script::{Script, Truth};
use super::still::Still;

/// The running play.
pub struct Play {
    dice: Dice,
    scene: Scene,
    version: u32,
    lights: Lights,
    people: Vec<Person>,
    camera: Camera,
    script: Script,
    now: f32,
    rested_at: f32,
    focus: (f32, f32),
    covered: Option<(f32, f32)>,
    /// Between two frames, seconds.
    step: f32,
    /// Who sits there sits there; nobody comes before the camera.
    undisturbed: bool,
}

/// What the recognition sees, and what is so.
pub struct Frame {
    pub luma: Vec<u8>,
    /// Seconds.
    pub at: f32,
    pub truth: Truth,
    pub pose: Pose,
}

impl Play {
    /// A generated room.
    pub fn in_room(seed: u64, turns: bool) -> Self {
        let mut dice = Dice::new(seed);
        let room = Room::new(&mut dice);
        let yaw = dice.sign() * 3.0;
        let apart = dice.between(p::VIEWS_APART) * if dice.chance(0.5) { 1.0 } else { -1.0 };
        let office = Pose { yaw, pitch: dice.between(p::OFFICE_PITCH).to_radians(), ..Pose::default() };
        let pitch = dice.between(p::TABLE_PITCH).to_radians();
        let table = Pose { yaw: yaw + apart.to_radians(), pitch, ..Pose::default() };
        Self::new(dice, Scene::Room(room), vec![office, table], p::FIELD_OF_VIEW, std::f32::consts::PI, turns)
    }

    /// A still, panned by hand.
    pub fn over_still(seed: u64, still: Still, turns: bool) -> Self {
        let mut dice = Dice::new(seed);
        let mut pose = |side: f32| Pose {
            yaw: side * dice.between(p::STILL_YAW).to_radians(),
            pitch: dice.between(p::STILL_PITCH).to_radians(),
            ..Pose::default()
        };
        let views = vec![pose(-1.0), pose(1.0)];
        let reach = p::STILL_YAW.1.to_radians();
        Self::new(dice, Scene::Still(still), views, p::STILL_FIELD_OF_VIEW, reach, turns)
    }

    fn new(mut dice: Dice, scene: Scene, views: Vec<Pose>, field: (f32, f32), reach: f32, turns: bool) -> Self {
        let lights = Lights::new(&mut dice, scene.windows());
        let sitters = dice.count(p::SITTERS);
        let people = (0..sitters).map(|_| {
            let seen = views[dice.below(views.len())].yaw;
            let azimuth = seen + dice.sign() * 0.6;
            Person::sitting(&mut dice, azimuth)
        });
        let people = people.collect();
        let camera = Camera::new(&mut dice, field);
        let script = Script::new(&mut dice, views, reach, turns);
        let (now, rested_at, focus, covered) = (0.0, 0.0, (0.0, 0.0), None);
        let (step, undisturbed) = (p::STEP, false);
        Self {
            dice,
            scene,
            version: 0,
            lights,
            people,
            camera,
            script,
            now,
            rested_at,
            focus,
            covered,
            step,
            undisturbed,
        }
    }

    /// The same with so many frames a second, as a camera has them.
    pub fn at_rate(self, fps: f32) -> Self {
        Self { step: 1.0 / fps, ..self }
    }

    /// The same with nobody who walks through, stands before the camera that he turned, or covers it.
    pub fn undisturbed(self) -> Self {
        Self { undisturbed: true, ..self }
    }

    /// Somebody turns the camera to a taught view, now.
    pub fn turn_to(&mut self, view: usize) {
        self.script.turn_to(&mut self.dice, view, self.now);
    }

    /// Three seconds of a view, as "teach" on the panel sees them.
    pub fn lesson(&mut self, view: usize) -> Vec<Vec<u8>> {
        let pose = self.script.views[view];
        // The exposure has found its way before anybody presses "teach".
        let all: Vec<_> = (0..25)
            .map(|_| {
                self.live(pose);
                // Whoever teaches looks at the preview.
                self.covered = None;
                self.take(&[pose])
            })
            .collect();
        all[10..].to_vec()
    }

    /// Another day: other light, things moved, time from zero.
    pub fn begin(&mut self) {
        self.lights = Lights::new(&mut self.dice, self.scene.windows());
        self.move_things(p::MOVED_SINCE_TAUGHT);
        self.now = 0.0;
        self.people.retain_mut(|person| person.step(&mut Dice::new(0), f32::MAX, 0.0));
    }

    /// How far a pose looks from a taught view, right and up, degrees.
    pub fn beside(&self, view: usize, pose: Pose) -> (f32, f32) {
        let taught = self.script.views[view];
        (around(pose.yaw - taught.yaw).to_degrees(), (pose.pitch - taught.pitch).to_degrees())
    }

    /// The next thumbnail.
    pub fn frame(&mut self) -> Frame {
        loop {
            let pose = self.script.pose(&mut self.dice, self.now);
            self.live(pose);
            if self.script.step(&mut self.dice, self.now, self.step) {
                self.rested_at = self.now;
                self.focus = (self.dice.between(p::FOCUS_BLUR), self.dice.between(p::FOCUS_FOR));
                if !self.undisturbed {
                    let turner = Person::turner(&mut self.dice, pose.yaw, self.camera.field, self.now);
                    self.people.push(turner);
                }
            }
            if self.dice.chance(p::STEP_LOST) {
                continue;
            }
            let at = self.now + self.dice.sign() * p::STEP_JITTER;
            let mut poses = vec![self.script.pose(&mut self.dice, at)];
            if matches!(self.script.truth(), Truth::Turning { .. }) {
                poses.push(self.script.pose(&mut self.dice, at + p::SHUTTER / 2.0));
                poses.push(self.script.pose(&mut self.dice, at + p::SHUTTER));
            }
            return Frame { luma: self.take(&poses), at, truth: self.script.truth(), pose };
        }
    }

    /// Time passes for everything but the camera's stand.
    fn live(&mut self, pose: Pose) {
        self.now += self.step;
        let (now, step, dice) = (self.now, self.step, &mut self.dice);
        self.lights.step(dice, step);
        self.people.retain_mut(|person| person.step(dice, now, step));
        if !self.undisturbed && dice.happens(p::WALKER_EVERY, step) {
            self.people.push(Person::walking(dice, pose.yaw, self.camera.field, now));
        }
        if self.covered.is_some_and(|(until, _)| now > until) {
            self.covered = None;
        } else if !self.undisturbed
            && now > self.rested_at + p::COVERED_NOT_BEFORE
            && dice.happens(p::COVERED_EVERY, step)
        {
            let side = if dice.chance(0.5) { 1.0 } else { -1.0 };
            self.covered = Some((now + dice.between(p::COVERED_FOR), side * dice.between(p::COVERED_SHARE)));
        }
        if dice.happens(p::MOVED_EVERY, step) {
            self.move_things(0.05);
        }
    }

    fn move_things(&mut self, share: f32) {
        if let Scene::Room(room) = &mut self.scene {
            room.move_things(&mut self.dice, share);
            self.version += 1;
        }
    }

    fn take(&mut self, poses: &[Pose]) -> Vec<u8> {
        let turning = matches!(self.script.truth(), Truth::Turning { .. });
        let covered = self.covered.filter(|_| !turning).map_or(0.0, |(_, share)| share);
        let (most, lasts) = self.focus;
        let hunting = ((self.rested_at + lasts - self.now) / lasts.max(0.01)).clamp(0.0, 1.0);
        let before = Before { covered, blur: most * if turning { 1.0 } else { hunting } };
        let scene = (&self.scene, self.version);
        self.camera.look(scene, poses, &self.lights, &self.people, before, &mut self.dice, self.step)
    }
}
