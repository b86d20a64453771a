//! Quantities of Kubernetes, and durations as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// An amount of memory, as Kubernetes writes it: `512Mi`, `1Gi`.
///
/// ```
/// # use polyagent::launchpad::Memory;
/// let memory: Memory = "1.5Gi".parse()?;
/// assert_eq!(memory, Memory::mib(1536));
/// assert_eq!(memory.to_string(), "1536Mi");
/// assert!("1 GB".parse::<Memory>().is_err());
/// # Ok::<(), polyagent::launchpad::InvalidQuantity>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(u64);

/// An amount of CPU, as Kubernetes writes it: `250m` is a quarter of a core, `2` are two.
///
/// ```
/// # use polyagent::launchpad::Cpu;
/// let cpu: Cpu = "0.5".parse()?;
/// assert_eq!(cpu, Cpu::millis(500));
/// assert_eq!(cpu.to_string(), "500m");
/// assert_eq!(Cpu::cores(2).to_string(), "2");
/// # Ok::<(), polyagent::launchpad::InvalidQuantity>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpu(u64);

/// A text that is no quantity of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a quantity of {0}, such as {1}")]
pub struct InvalidQuantity(&'static str, &'static str);

const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, u32); 7] = [("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

impl Memory {
    /// An amount in bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// An amount in MiB, 1,048,576 bytes each; at most 2^64 − 1 bytes.
    pub const fn mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1 << 20))
    }

    /// An amount in GiB, 1024 MiB each; at most 2^64 − 1 bytes.
    pub const fn gib(gib: u64) -> Self {
        Self(gib.saturating_mul(1 << 30))
    }

    /// Returns the amount in bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// Reads what people write too: `45MB`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.replace(' ', "");
        text.strip_suffix(['b', 'B']).unwrap_or(&text).parse().ok()
    }
}

impl Cpu {
    /// An amount in thousandths of a core.
    pub const fn millis(millis: u64) -> Self {
        Self(millis)
    }

    /// An amount in cores.
    pub const fn cores(cores: u64) -> Self {
        Self(cores.saturating_mul(1000))
    }

    /// Returns the amount in thousandths of a core.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl FromStr for Memory {
    type Err = InvalidQuantity;

    /// Parses a whole number of bytes, or a number with one of Kubernetes' suffixes. Fractions of a byte are rounded
    /// up.
    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let (number, suffix) = split(text);
        let binary = BINARY.iter().find(|(name, _)| *name == suffix).map(|(_, power)| 2_u128.pow(*power));
        let decimal = || DECIMAL.iter().find(|(name, _)| *name == suffix).map(|(_, power)| 10_u128.pow(*power));
        let unit = binary.or_else(decimal);
        unit.and_then(|unit| scaled(number, unit)).map(Self).ok_or(InvalidQuantity("memory", "512Mi or 1Gi"))
    }
}

impl FromStr for Cpu {
    type Err = InvalidQuantity;

    /// Parses a number of cores, or of thousandths with `m`. Fractions of a thousandth are rounded up.
    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let (number, suffix) = split(text);
        let unit = match suffix {
            "" => Some(1000),
            "m" => Some(1),
            _ => None,
        };
        unit.and_then(|unit| scaled(number, unit)).map(Self).ok_or(InvalidQuantity("CPU", "250m or 1.5"))
    }
}

/// A number, and the suffix behind it.
fn split(text: &str) -> (&str, &str) {
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    text.split_at(digits)
}

/// A plain decimal number times `unit`, rounded up; `None` if it is none, or too large.
fn scaled(number: &str, unit: u128) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() > 20 || !whole.bytes().all(|byte| byte.is_ascii_digit()) || whole.is_empty() || !digits(fraction) {
        return None;
    }
    let places = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = fraction.parse::<u128>().ok()?.checked_mul(unit)?.div_ceil(places);
    let all = whole.parse::<u128>().ok()?.checked_mul(unit)?.checked_add(part)?;
    u64::try_from(all).ok()
}

impl fmt::Display for Memory {
    /// Writes the largest unit up to GiB that is exact: `1Gi`, `1536Mi`, `1000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = BINARY.iter().take(3).rev().find(|(_, power)| self.0 != 0 && self.0.is_multiple_of(1 << power));
        match exact {
            Some((name, power)) => write!(f, "{}{name}", self.0 >> power),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for Cpu {
    /// Writes whole cores without a suffix, other amounts in thousandths: `2`, `250m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) { write!(f, "{}", self.0 / 1000) } else { write!(f, "{}m", self.0) }
    }
}

impl From<Memory> for String {
    fn from(memory: Memory) -> Self {
        memory.to_string()
    }
}

impl From<Cpu> for String {
    fn from(cpu: Cpu) -> Self {
        cpu.to_string()
    }
}

/// Reads a duration as people write it: `3h 2m`, `45ms`, `1.5s`, `2d4h`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, behind) = split(rest);
        let behind = behind.trim_start();
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, next) = behind.split_at(letters);
        let nanos = match unit {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000_000,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000_000_000,
            "h" | "hour" | "hours" => 3_600_000_000_000,
            "d" | "day" | "days" => 86_400_000_000_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_nanos(scaled(number, nanos)?))?;
        rest = next.trim_start_matches([' ', ',']);
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(text: &str) -> Option<u64> {
        text.parse::<Memory>().ok().map(Memory::as_bytes)
    }

    fn cpu(text: &str) -> Option<u64> {
        text.parse::<Cpu>().ok().map(Cpu::as_millis)
    }

    #[test]
    fn memory_is_parsed_with_each_suffix() {
        for (text, bytes) in [
            ("0", 0),
            ("128974848", 128_974_848),
            ("512Mi", 536_870_912),
            ("1Gi", 1_073_741_824),
            ("1.5Gi", 1_610_612_736),
            ("1Ki", 1024),
            ("2Ti", 2_199_023_255_552),
            ("1k", 1000),
            ("129M", 129_000_000),
            ("1G", 1_000_000_000),
            ("15Ei", 17_293_822_569_102_704_640),
            ("0.1Ki", 103),
        ] {
            assert_eq!(memory(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn cpu_is_parsed_in_cores_and_thousandths() {
        for (text, millis) in
            [("250m", 250), ("1", 1000), ("0.5", 500), ("1.25", 1250), ("0", 0), ("0.0001", 1), ("2000m", 2000)]
        {
            assert_eq!(cpu(text), Some(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in [
            "", "Mi", "1 Gi", " 1Gi", "-1Gi", "+1", "1gi", "1MB", "1Mi ", "1.Gi", ".5Gi", "1e3", "16Ei", "1..5", "1m",
            "٣",
        ] {
            assert_eq!(memory(text), None, "{text:?}");
        }
        for text in ["", "m", "1 m", "-1", "1Mi", "1k", "half", "1.", "99999999999999999999"] {
            assert_eq!(cpu(text), None, "{text:?}");
        }
        let error = "1 Gi".parse::<Memory>().unwrap_err();
        assert_eq!(error.to_string(), "not a quantity of memory, such as 512Mi or 1Gi");
    }

    #[test]
    fn display_is_exact_and_parses_back() {
        for (memory, text) in [
            (Memory::gib(1), "1Gi"),
            (Memory::mib(1536), "1536Mi"),
            (Memory::bytes(1025), "1025"),
            (Memory::bytes(2048), "2Ki"),
            (Memory::gib(2048), "2048Gi"),
            (Memory::bytes(0), "0"),
        ] {
            assert_eq!((memory.to_string().as_str(), text.parse()), (text, Ok(memory)));
        }
        for (cpu, text) in
            [(Cpu::millis(500), "500m"), (Cpu::cores(2), "2"), (Cpu::millis(1500), "1500m"), (Cpu::millis(0), "0")]
        {
            assert_eq!((cpu.to_string().as_str(), text.parse()), (text, Ok(cpu)));
        }
        assert_eq!(Memory::gib(u64::MAX).as_bytes(), u64::MAX);
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("3h 2m", 10_920_000),
            ("2h 15m", 8_100_000),
            ("45ms", 45),
            ("1.5s", 1500),
            ("1d 2h", 93_600_000),
            ("2d4h", 187_200_000),
            ("0ms", 0),
            ("5 minutes, 3 seconds", 303_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "h", "3", "3x", "-3s", "three hours", "3h 2"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn memory_is_read_as_people_write_it() {
        assert_eq!(Memory::read("45MB"), Some(Memory::bytes(45_000_000)));
        assert_eq!(Memory::read("45 MiB"), Some(Memory::mib(45)));
        assert_eq!(Memory::read("1Gi"), Some(Memory::gib(1)));
        assert_eq!(Memory::read("much"), None);
    }
}
