//! Random numbers from a seed (SplitMix64, Steele et al. 2014).

/// One stream of numbers.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ 0x5851_F42D_4C95_7F2D);
        dice.next();
        dice
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 … 1
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    pub fn between(&mut self, (low, high): (f32, f32)) -> f32 {
        low + (high - low) * self.unit()
    }

    /// −1 … 1
    pub fn sign(&mut self) -> f32 {
        self.between((-1.0, 1.0))
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    pub fn count(&mut self, (low, high): (usize, usize)) -> usize {
        low + self.below(high - low + 1)
    }

    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Whether something happens in these seconds that happens every `mean` seconds.
    pub fn happens(&mut self, mean: f32, seconds: f32) -> bool {
        self.chance(1.0 - (-seconds / mean).exp())
    }

    /// Near enough to a normal distribution, standard deviation 1.
    pub fn normal(&mut self) -> f32 {
        (0..6).map(|_| self.sign()).sum::<f32>() * 0.707
    }
}

/// A fixed number in 0 … 1 for a cell of a pattern.
pub fn hashed(seed: u32, x: i32, y: i32) -> f32 {
    let mut mixed = seed ^ (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2C1B_3C6D);
    mixed = (mixed ^ (mixed >> 12)).wrapping_mul(0x297A_2D39);
    ((mixed ^ (mixed >> 15)) >> 8) as f32 / (1u32 << 24) as f32
}

/// Smooth noise in 0 … 1, one knot per unit.
pub fn smooth_noise(seed: u32, x: f32, y: f32) -> f32 {
    let (cell_x, cell_y) = (x.floor(), y.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v) = (ease(x - cell_x), ease(y - cell_y));
    let at = |dx: i32, dy: i32| hashed(seed, cell_x as i32 + dx, cell_y as i32 + dy);
    let (top, bottom) = (at(0, 0) * (1.0 - u) + at(1, 0) * u, at(0, 1) * (1.0 - u) + at(1, 1) * u);
    top * (1.0 - v) + bottom * v
}
