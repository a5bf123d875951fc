//! The vocabulary of everything drawn: sheets, what is marked on them, one type scale, one set of colours.
//!
//! All lengths are in design pixels: a 16:9 screen is 1920 × 1080 of them, whatever it has in reality. Values only, so that
//! equal sheets look equal and a drawn one can be kept.

use crate::core::notes::Stroke;

/// Something drawn in one piece, and where its upper left corner stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub x: f64,
    pub y: f64,
    pub sheet: Sheet,
}

/// A transparent sheet with marks on it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sheet {
    pub width: f64,
    pub height: f64,
    pub marks: Vec<Mark>,
}

/// A rectangle on a sheet or on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// One mark.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    /// A filled rectangle with round corners.
    Plate { area: Area, radius: f64, fill: Colour },
    /// Its outline, within it.
    Outline { area: Area, radius: f64, line: f64, colour: Colour },
    /// One line of runs, in the middle of its area's height. What does not fit is made smaller; what yields, shorter.
    Row { area: Area, align: Align, runs: Vec<Run> },
    /// Words that break into lines, in the middle of their area's height.
    Text { area: Area, align: Align, style: Style, text: String },
    /// A QR code, dark on light.
    Qr { area: Area, text: String },
    /// A drawing on a sheet of [`SHEET`](crate::core::notes::SHEET), in ink.
    Drawing { area: Area, strokes: Vec<Stroke> },
    /// The folds of a drawn curtain.
    Folds { area: Area },
    /// A line through these places; one place is a dot.
    Line { points: Vec<(f64, f64)>, width: f64, colour: Colour },
}

/// A part of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Run {
    Words {
        text: String,
        style: Style,
    },
    /// Words that are cut short with dots when the row is too narrow.
    Yields {
        text: String,
        style: Style,
    },
    /// A key of the keypad, as it looks.
    Key {
        text: String,
        style: Style,
    },
    /// Words on a plate of their own.
    Pill {
        text: String,
        style: Style,
        fill: Colour,
    },
    Sign {
        sign: Sign,
        size: Size,
        colour: Colour,
    },
    /// A bar that is full to so many hundredths.
    Gauge {
        width: f64,
        hundredths: u8,
    },
    Gap(f64),
}

/// How words look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Style {
    pub size: Size,
    pub weight: Weight,
    pub colour: Colour,
}

/// The one type scale: a share of the screen's height each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    /// 1/36: what is looked up from nearby.
    Small,
    /// 1/24: what is read from five metres.
    Body,
    /// 1/16: what is seen in passing.
    Title,
    /// 1/8: figures that are typed elsewhere.
    Huge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Plain,
    Bold,
    /// Figures and letters of one width.
    Even,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Middle,
    Right,
}

/// Small drawings that stand beside words, never instead of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Microphone,
    MicrophoneOff,
    LockClosed,
    LockOpen,
    Bell,
    Camera,
    Guest,
    Notice,
    Hand,
    Screen,
}

/// Red, green, blue, opacity: `0xRRGGBBAA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour(pub u32);

impl Size {
    /// Height of the type in design pixels.
    pub(super) const fn pixels(self) -> f64 {
        match self {
            Self::Small => 30.0,
            Self::Body => 45.0,
            Self::Title => 68.0,
            Self::Huge => 135.0,
        }
    }
}

impl Sheet {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    /// All of it.
    pub(super) fn area(&self) -> Area {
        Area::new(0.0, 0.0, self.width, self.height)
    }

    pub(super) fn plate(&mut self, area: Area, radius: f64, fill: Colour) {
        self.marks.push(Mark::Plate { area, radius, fill });
    }

    pub(super) fn row(&mut self, area: Area, align: Align, runs: Vec<Run>) {
        self.marks.push(Mark::Row { area, align, runs });
    }

    pub(super) fn text(&mut self, area: Area, align: Align, style: Style, text: impl Into<String>) {
        self.marks.push(Mark::Text { area, align, style, text: text.into() });
    }

    /// On the screen, its upper left corner there.
    pub(super) fn at(self, x: f64, y: f64) -> Placed {
        Placed { x, y, sheet: self }
    }
}

impl Area {
    pub(crate) const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { x, y, width, height }
    }

    /// Smaller by so much on all four sides.
    pub(super) fn inside(self, by: f64) -> Self {
        Self::new(self.x + by, self.y + by, self.width - 2.0 * by, self.height - 2.0 * by)
    }

    pub(super) fn moved(self, by: (f64, f64)) -> Self {
        Self { x: self.x + by.0, y: self.y + by.1, ..self }
    }
}

impl Style {
    pub(super) const fn new(size: Size, weight: Weight, colour: Colour) -> Self {
        Self { size, weight, colour }
    }
}

impl Run {
    pub(super) fn words(text: impl Into<String>, style: Style) -> Self {
        Self::Words { text: text.into(), style }
    }
}

impl Colour {
    /// Red, green, blue, opacity, 0 … 1.
    pub(super) fn parts(self) -> [f64; 4] {
        self.0.to_be_bytes().map(|part| f64::from(part) / 255.0)
    }

    /// Blue, green, red and a byte nobody reads.
    pub(super) fn bgrx(self) -> [u8; 4] {
        let [red, green, blue, _] = self.0.to_be_bytes();
        [blue, green, red, u8::MAX]
    }
}

/// Behind everything: the ink of an evening.
pub(super) const INK: Colour = Colour(0x10_17_1D_FF);
/// The board under the picture.
pub(super) const BOARD: Colour = Colour(0x17_20_28_FF);
/// The band of a closed microphone.
pub(super) const CALM: Colour = Colour(0x26_34_3F_FF);
/// The band of an open microphone: persimmon. White words on it have a contrast of 5.0.
pub(super) const OPEN: Colour = Colour(0xC8_45_10_FF);
/// Something is on its way, or wants an eye.
pub(super) const AMBER: Colour = Colour(0xF5_BC_4A_FF);
/// All is well: young bamboo.
pub(super) const WELL: Colour = Colour(0x7F_C9_B4_FF);
/// Words on dark.
pub(super) const PAPER: Colour = Colour(0xF8_F6_F1_FF);
/// Words on dark that come second.
pub(super) const SOFT: Colour = Colour(0xB4_C0_C8_FF);
/// A slip of paper on the notice board.
pub(super) const SLIP: Colour = Colour(0xFB_F3_CF_FF);
/// Words on light that come second.
pub(super) const SHADE: Colour = Colour(0x4A_57_61_FF);
/// A card of ink that lets a little of the picture through.
pub(super) const GLASS: Colour = Colour(0x10_17_1D_EB);
/// The place for a shared page.
pub(super) const PLACE: Colour = Colour(0x1B_26_2F_FF);
/// A line that only divides.
pub(super) const HAIR: Colour = Colour(0x3A_4A_56_FF);
/// Words of a sleeping room: seen in the dark, and nothing more.
pub(super) const EMBER: Colour = Colour(0x4C_56_5E_FF);
/// Behind a room that is asleep over there.
pub(super) const DUSK: Colour = Colour(0x06_09_0C_FF);
/// What people of one box's room draw and point at, on white and on dark …
pub(super) const INDIGO: Colour = Colour(0x1F_5F_D6_FF);
/// … and of the other's.
pub(super) const CRIMSON: Colour = Colour(0xD2_2F_6E_FF);
/// A sleeping room.
pub(super) const NIGHT: Colour = Colour(0x00_00_00_FF);
