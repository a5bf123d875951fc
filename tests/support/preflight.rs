//! Says which tests cannot run on this machine and why. `make test` prints it: there a skipped test looks like a passed one.

mod needs;

use needs::Need;

#[expect(clippy::print_stdout, reason = "talks to a person")]
fn main() {
    for need in Need::ALL {
        if let Some(lack) = need.lack() {
            println!("engawa: NOT TESTED HERE: {}: {}", need.tests(), lack.words());
        }
    }
}
