//! Pose, lens, exposure, white balance, focus, noise: from a scene to 64×36 steps of luma.

use super::dice::Dice;
use super::lights::Lights;
use super::params as p;
use super::people::Person;
use super::scene::{Scene, Texel};

/// Where the camera stands and looks. Radians; metres right and up.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Pose {
    pub yaw: f32,
    pub pitch: f32,
    pub roll: f32,
    pub shift: [f32; 2],
}

/// The camera's own state.
pub struct Camera {
    /// Horizontal, radians.
    pub field: f32,
    gain: f32,
    follows: f32,
    wanders: f32,
    balance: [f32; 2],
    noise: f32,
    /// What stood still since the last look, and how often the scene had changed by then.
    seen: Option<(Pose, u32, Vec<Texel>)>,
}

/// What stands between the scene and the sensor.
#[derive(Clone, Copy, Default)]
pub struct Before {
    /// Share of the width a hand covers, from the left if positive.
    pub covered: f32,
    /// 0 sharp … 1 blurred over three pixels.
    pub blur: f32,
}

impl Camera {
    pub fn new(dice: &mut Dice, field_degrees: (f32, f32)) -> Self {
        Self {
            field: dice.between(field_degrees).to_radians(),
            gain: 1.0,
            follows: dice.between(p::EXPOSURE_FOLLOWS),
            wanders: 0.0,
            balance: [1.0; 2],
            noise: dice.between(p::NOISE),
            seen: None,
        }
    }

    /// One thumbnail; `poses` are those during the exposure, one if the camera rests.
    #[expect(clippy::too_many_arguments, reason = "all that makes a picture")]
    pub fn look(
        &mut self,
        (scene, version): (&Scene, u32),
        poses: &[Pose],
        lights: &Lights,
        people: &[Person],
        before: Before,
        dice: &mut Dice,
        seconds: f32,
    ) -> Vec<u8> {
        let levels = lights.levels();
        let mut linear = vec![[0.0f32; 3]; ACROSS * DOWN];
        for pose in poses {
            for (sum, texel) in linear.iter_mut().zip(self.texels(scene, version, *pose)) {
                let nearest = people.iter().filter_map(|person| person.covers(texel));
                let nearest = nearest.min_by(|a, b| a.depth.total_cmp(&b.depth));
                let shade = lights.shade(nearest.as_ref().unwrap_or(texel), &levels);
                (0..3).for_each(|part| sum[part] += shade[part] / poses.len() as f32);
            }
        }
        cover(&mut linear, before.covered);
        self.expose(&linear, dice, seconds);
        let red_blue = self.balance.map(|balance| balance * self.gain);
        let tone = |value: f32| value.clamp(0.0, 1.0).sqrt() * 255.0;
        let luma = |[red, green, blue]: [f32; 3]| {
            0.3 * tone(red * red_blue[0]) + 0.59 * tone(green * self.gain) + 0.11 * tone(blue * red_blue[1])
        };
        let mut picture = vec![0.0f32; WIDTH * HEIGHT];
        for (at, value) in linear.iter().enumerate() {
            let (x, y) = (at % ACROSS / RAYS, at / ACROSS / RAYS);
            picture[y * WIDTH + x] += luma(*value) / (RAYS * RAYS) as f32;
        }
        blur(&mut picture, before.blur);
        let noise = self.noise + p::NOISE_PER_GAIN * self.gain;
        picture.iter().map(|value| (value + dice.normal() * noise).round().clamp(0.0, 255.0) as u8).collect()
    }

    fn expose(&mut self, linear: &[[f32; 3]], dice: &mut Dice, seconds: f32) {
        self.wanders = (self.wanders + dice.normal() * 0.1 * seconds).clamp(-p::EXPOSURE_WANDERS, p::EXPOSURE_WANDERS);
        for balance in &mut self.balance {
            *balance =
                (*balance + dice.normal() * 0.05 * seconds).clamp(1.0 - p::WHITE_BALANCE, 1.0 + p::WHITE_BALANCE);
        }
        // Bright windows count no more than white.
        let mean =
            linear.iter().map(|value| (value[1] * self.gain).min(1.2) / self.gain).sum::<f32>() / linear.len() as f32;
        let wanted = (0.2 * (1.0 + self.wanders) / mean.max(0.001)).clamp(0.05, p::MOST_GAIN);
        self.gain *= (wanted / self.gain).powf(1.0 - (-seconds / self.follows).exp());
    }

    fn texels(&mut self, scene: &Scene, version: u32, pose: Pose) -> &[Texel] {
        if self.seen.as_ref().is_none_or(|(seen, of, _)| *seen != pose || *of != version) {
            let half = (self.field / 2.0).tan();
            let texels = (0..ACROSS * DOWN).map(|at| {
                let x = ((at % ACROSS) as f32 + 0.5) / ACROSS as f32 * 2.0 - 1.0;
                let y = 1.0 - ((at / ACROSS) as f32 + 0.5) / DOWN as f32 * 2.0;
                let (x, y) = (x * half, y * half * DOWN as f32 / ACROSS as f32);
                let (x, y) = (x * pose.roll.cos() - y * pose.roll.sin(), x * pose.roll.sin() + y * pose.roll.cos());
                let (up, ahead) = (y * pose.pitch.cos() + pose.pitch.sin(), pose.pitch.cos() - y * pose.pitch.sin());
                let elevation = up.atan2(x.hypot(ahead));
                scene.texel(pose.yaw + x.atan2(ahead), elevation, pose.shift)
            });
            self.seen = Some((pose, version, texels.collect()));
        }
        self.seen.as_ref().map_or(&[], |(_, _, texels)| texels)
    }
}

fn cover(linear: &mut [[f32; 3]], share: f32) {
    let columns = (share.abs() * ACROSS as f32) as usize;
    for row in linear.chunks_mut(ACROSS) {
        let covered = if share > 0.0 { &mut row[..columns] } else { &mut row[ACROSS - columns..] };
        covered.fill([0.03, 0.02, 0.02]);
    }
}

fn blur(picture: &mut [f32], amount: f32) {
    if amount <= 0.0 {
        return;
    }
    let sharp = picture.to_vec();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let near = |at: usize, end: usize| at.saturating_sub(1)..=(at + 1).min(end - 1);
            let (mut sum, mut count) = (0.0, 0.0);
            for row in near(y, HEIGHT) {
                for column in near(x, WIDTH) {
                    sum += sharp[row * WIDTH + column];
                    count += 1.0;
                }
            }
            picture[y * WIDTH + x] += amount * (sum / count - sharp[y * WIDTH + x]);
        }
    }
}

pub const WIDTH: usize = 64;
pub const HEIGHT: usize = 36;
/// Rays per pixel, each way.
const RAYS: usize = 2;
const ACROSS: usize = WIDTH * RAYS;
const DOWN: usize = HEIGHT * RAYS;
