//! The time of day, also where the clock is set to a year that the calendar does not have.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::time::SystemTime;

/// The current time; the nearest one of the calendar where the clock is beyond the year 9999 or
/// before 1970.
pub fn now() -> Timestamp {
    let now = SystemTime::now();
    let nearest = if now < SystemTime::UNIX_EPOCH {
        Timestamp::UNIX_EPOCH
    } else {
        Timestamp::MAX
    };
    Timestamp::try_from(now).unwrap_or(nearest)
}

/// The current day at this place.
pub fn today() -> Date {
    now().to_zoned(TimeZone::system()).date()
}
