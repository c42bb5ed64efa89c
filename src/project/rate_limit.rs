//! Rate limits of a target.

use std::{str::FromStr, time::Duration};

/// A request rate: `50/s`, `100/m`, `1000/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Time between two requests at an even rate.
    pub interval: Duration,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "expected a number of requests per unit of time, such as `50/s`, `100/m` or `1000/h`".to_owned();
        let (number, time) = text.split_once('/').ok_or_else(form)?;
        let number: u32 = number.trim().parse().map_err(|_| form())?;
        let seconds = match time.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(form()),
        };
        let interval = Duration::from_secs(seconds).checked_div(number);
        let interval = interval.ok_or("the rate is zero: no request would be sent")?;
        if interval.is_zero() {
            return Err("the rate is more than one request per nanosecond".to_owned());
        }
        Ok(Self { interval })
    }
}

/// A rate and a burst size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The rate in the long run.
    pub rate: Rate,
    /// Maximum number of requests at once after idle time; at least one.
    pub burst: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_time() {
        let interval = |text: &str| text.parse::<Rate>().map(|rate| rate.interval);
        assert_eq!(interval("50/s"), Ok(Duration::from_millis(20)));
        assert_eq!(interval("30 / m"), Ok(Duration::from_secs(2)));
        assert_eq!(interval("3600/h"), Ok(Duration::from_secs(1)));
        for wrong in [
            "",
            "50",
            "/s",
            "50/",
            "50/d",
            "-1/s",
            "1.5/s",
            "0/s",
            "x/s",
            "99999999999/s",
        ] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }
}
