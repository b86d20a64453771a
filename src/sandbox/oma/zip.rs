//! Zip archives whose entries are not compressed.

use bytes::Bytes;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";

pub(super) fn write(files: &[(String, Bytes)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (path, bytes) in files {
        let offset = size(archive.len());
        // Version, flags (names are UTF-8), stored, 1980-01-01, then sum, sizes, length of the name, no extra field.
        let mut entry = vec![20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];
        entry.extend(sum(bytes).to_le_bytes());
        entry.extend(size(bytes.len()).to_le_bytes());
        entry.extend(size(bytes.len()).to_le_bytes());
        entry.extend(&size(path.len()).to_le_bytes()[..2]);
        entry.extend([0, 0]);
        archive.extend(LOCAL);
        archive.extend(&entry);
        archive.extend(path.as_bytes());
        archive.extend(bytes.iter());
        directory.extend(CENTRAL);
        directory.extend([20, 0]);
        directory.extend(&entry);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let (count, begin) = (size(files.len()).to_le_bytes(), size(archive.len()));
    let length = size(directory.len());
    archive.extend(directory);
    archive.extend(END);
    archive.extend([0; 4]);
    archive.extend([count[0], count[1], count[0], count[1]]);
    archive.extend(length.to_le_bytes());
    archive.extend(begin.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

/// The files of an archive; none if it is damaged or an entry is compressed.
pub(super) fn read(archive: &Bytes) -> Option<Vec<(String, Bytes)>> {
    let number = |at: usize, length: usize| {
        let bytes = archive.get(at..at + length)?;
        Some(bytes.iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)))
    };
    let end = archive.windows(4).rposition(|window| window == END)?;
    let (count, mut at) = (number(end + 10, 2)?, number(end + 16, 4)?);
    let mut files = Vec::new();
    for _ in 0..count {
        let stored = archive.get(at..at + 4)? == CENTRAL && number(at + 10, 2)? == 0;
        let (length, name, local) = (number(at + 24, 4)?, number(at + 28, 2)?, number(at + 42, 4)?);
        let path = std::str::from_utf8(archive.get(at + 46..at + 46 + name)?).ok()?.to_owned();
        let begin = local + 30 + number(local + 26, 2)? + number(local + 28, 2)?;
        if !stored || begin + length > archive.len() {
            return None;
        }
        if !path.ends_with('/') {
            files.push((path, archive.slice(begin..begin + length)));
        }
        at += 46 + name + number(at + 30, 2)? + number(at + 32, 2)?;
    }
    Some(files)
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// CRC-32.
fn sum(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| sum >> 1 ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_what_was_written() {
        let files = vec![("do/SKILL.md".to_owned(), Bytes::from("# Do")), ("do/ä".to_owned(), Bytes::new())];
        let archive = write(&files);
        assert_eq!(read(&archive.clone().into()), Some(files));
        assert_eq!(read(&Bytes::from(archive[..archive.len() - 22].to_vec())), None);
    }

    #[test]
    fn the_sum_is_that_of_zip() {
        assert_eq!(sum(b"123456789"), 0xCBF4_3926);
    }
}
