//! The signs that stand beside words, drawn on a square of 24 × 24.

use super::sheet::Sign;
use cairo::{Context, Error, LineCap, LineJoin};
use std::f64::consts::{PI, TAU};

/// Draws a sign in the present colour; the context is scaled so that the sign is [`SIDE`] wide and high.
pub(super) fn draw(context: &Context, sign: Sign) -> Result<(), Error> {
    context.new_path();
    context.set_line_width(2.0);
    context.set_line_cap(LineCap::Round);
    context.set_line_join(LineJoin::Round);
    match sign {
        Sign::Microphone => microphone(context)?,
        Sign::MicrophoneOff => {
            microphone(context)?;
            line(context, &[(4.0, 3.0), (20.0, 21.0)])?;
        }
        Sign::LockClosed => lock(context, 0.0)?,
        Sign::LockOpen => lock(context, -3.0)?,
        Sign::Bell => bell(context)?,
        Sign::Camera => {
            context.rectangle(2.0, 7.0, 13.0, 11.0);
            context.fill()?;
            context.move_to(16.5, 12.5);
            context.line_to(22.0, 8.0);
            context.line_to(22.0, 17.0);
            context.close_path();
            context.fill()?;
        }
        Sign::Guest => {
            context.arc(12.0, 8.0, 4.2, 0.0, TAU);
            context.fill()?;
            context.arc(12.0, 22.0, 8.0, PI, TAU);
            context.close_path();
            context.fill()?;
        }
        Sign::Hand => {
            for (x, top) in [(7.0, 6.0), (10.5, 3.5), (14.0, 4.0), (17.5, 6.5)] {
                line(context, &[(x, top), (x, 13.0)])?;
            }
            line(context, &[(3.5, 12.0), (7.0, 17.0)])?;
            context.rectangle(6.0, 12.0, 12.5, 5.0);
            context.fill()?;
            context.arc(12.25, 17.0, 6.25, 0.0, PI);
            context.fill()?;
        }
        Sign::Screen => {
            context.rectangle(2.5, 4.0, 19.0, 12.5);
            context.stroke()?;
            line(context, &[(12.0, 16.5), (12.0, 20.5)])?;
            line(context, &[(7.5, 20.5), (16.5, 20.5)])?;
        }
        Sign::Notice => {
            context.arc(12.0, 12.0, 9.5, 0.0, TAU);
            context.stroke()?;
            line(context, &[(12.0, 7.0), (12.0, 13.0)])?;
            context.arc(12.0, 17.0, 1.4, 0.0, TAU);
            context.fill()?;
        }
    }
    Ok(())
}

fn microphone(context: &Context) -> Result<(), Error> {
    context.arc(12.0, 6.0, 3.2, PI, TAU);
    context.arc(12.0, 11.5, 3.2, 0.0, PI);
    context.close_path();
    context.fill()?;
    context.arc(12.0, 11.5, 6.2, 0.0, PI);
    context.stroke()?;
    line(context, &[(12.0, 17.7), (12.0, 21.5)])?;
    line(context, &[(8.5, 21.5), (15.5, 21.5)])
}

/// A lock; an open one's shackle is turned aside.
fn lock(context: &Context, aside: f64) -> Result<(), Error> {
    context.rectangle(5.0, 11.0, 14.0, 10.5);
    context.fill()?;
    let (left, right) = (8.0 + aside, 16.0 + aside);
    context.move_to(left, if aside == 0.0 { 11.0 } else { 9.0 });
    context.line_to(left, 7.0);
    context.arc((left + right) / 2.0, 7.0, (right - left) / 2.0, PI, TAU);
    context.line_to(right, 11.0);
    context.stroke()
}

fn bell(context: &Context) -> Result<(), Error> {
    context.move_to(4.0, 17.5);
    context.curve_to(7.0, 14.0, 5.5, 4.0, 12.0, 4.0);
    context.curve_to(18.5, 4.0, 17.0, 14.0, 20.0, 17.5);
    context.close_path();
    context.fill()?;
    context.arc(12.0, 19.0, 2.4, 0.0, PI);
    context.fill()?;
    line(context, &[(12.0, 2.0), (12.0, 4.0)])
}

fn line(context: &Context, points: &[(f64, f64)]) -> Result<(), Error> {
    for (x, y) in points {
        context.line_to(*x, *y);
    }
    context.stroke()
}

/// Width and height of the square.
pub(super) const SIDE: f64 = 24.0;
