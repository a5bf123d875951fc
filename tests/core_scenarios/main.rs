//! Two cores in pretend time: exact deadlines, one named test per promise.
//!
//! Deadlines are those of issue 2's table; every scenario runs with each box as the victim, so in both roles.

mod boxes;
#[path = "../core_world/mod.rs"]
mod core_world;
mod line;
mod trust;

use core_world::{Counts, MS, Options, SECOND, World};

const SEEDS: std::ops::Range<u64> = 0..20;

/// Two boxes that have been linked for 5 s.
fn linked(options: Options) -> World {
    let mut world = World::new(options);
    if world.run_until(2 * SECOND, World::well).is_none() {
        world.fault("never linked");
    }
    world.run(5 * SECOND);
    world
}

fn linked_by_seed(seed: u64) -> World {
    linked(Options::new(seed))
}

/// How long until both boxes decoded a frame after this moment.
fn frames_back(world: &mut World, limit: u64) -> Option<u64> {
    let since = world.now;
    world.run_until(limit, |world| world.both_up() && world.kiosks.iter().all(|kiosk| kiosk.decoded_at > since))
}

fn expect_within(world: &World, took: Option<u64>, limit: u64, what: &str) {
    match took {
        Some(took) if took <= limit => {}
        Some(_) | None => world.fault(&format!("{what}: {:?} ms instead of {} ms", took.map(|t| t / MS), limit / MS)),
    }
}

/// Nothing but heartbeats for a minute.
fn expect_calm(world: &mut World) {
    world.run(5 * SECOND);
    let before = world.counts();
    world.run(60 * SECOND);
    let after = world.counts();
    assert_eq!(after.restless(), before.restless(), "seed {:#x}: restless", world.options.seed);
    assert!(after.arranged - before.arranged <= 2, "the plan keeps changing");
    let beats = after.heartbeats - before.heartbeats;
    assert!((470..=484).contains(&beats), "{beats} heartbeats a minute of both boxes");
    assert!(world.well(), "seed {:#x}: not well after a calm minute", world.options.seed);
}

fn restless(world: &World) -> Counts {
    world.counts().restless()
}
