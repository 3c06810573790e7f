//! Counts rows that only one of two versions has, or that changed, and keeps examples.
//!
//! Rows of both versions come in turns. Those that are the same cancel each other out, so what is kept grows
//! with what is not the same; with a key, each key is kept to the end, or one that comes twice would not be
//! noticed. What is too much for memory goes to a file, whose parts are gone through one after another at the end.

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};

/// One of the versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Old,
    New,
}

/// A row by its hashes. Two rows of twenty million share one by accident once in 20,000 comparisons.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) side: Side,
    /// Its place in the version, from 0.
    pub(super) number: u32,
    /// Of what tells it from others: its key, or all of it.
    pub(super) identity: u64,
    /// Of what is beside its key.
    pub(super) rest: u64,
}

/// Why a row can't be counted.
#[derive(Debug)]
pub(super) enum Refused {
    /// These rows of a version have one key.
    Twice(Side, [u32; 2]),
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What is kept of the rows of one identity.
pub(super) trait Entry: Sized {
    fn of(row: &Row) -> Self;

    /// Adds another of the same identity. `false` if they cancelled each other out.
    fn meet(&mut self, other: Self, found: &mut Found) -> Result<bool, Refused>;

    /// No other comes.
    fn end(self, found: &mut Found);

    fn write(&self, out: &mut Vec<u8>);

    fn read(input: &mut &[u8]) -> Option<Self>;
}

/// Rows without a key: how many more there are in one version. The first of them has this number there.
pub(super) struct Surplus {
    /// Below 0 if it is the old version that has them.
    rows: i32,
    number: u32,
}

/// Rows of one key.
pub(super) struct Keyed {
    /// Of a row in one version, the hash of the rest; of a row in both, its numbers.
    rest: Halves,
    place: Place,
}

/// The number of a row, below 2^30, and which version it is in.
#[derive(Clone, Copy)]
struct Place(u32);

const IN_OLD: u32 = 0;
const IN_NEW: u32 = 1;
const IN_BOTH: u32 = 2;

impl Entry for Surplus {
    fn of(row: &Row) -> Self {
        Self { rows: if row.side == Side::New { 1 } else { -1 }, number: row.number }
    }

    fn meet(&mut self, other: Self, _: &mut Found) -> Result<bool, Refused> {
        let is_new = self.rows > 0;
        self.rows += other.rows;
        if (self.rows > 0) != is_new {
            self.number = other.number;
        }
        Ok(self.rows != 0)
    }

    fn end(self, found: &mut Found) {
        let of = if self.rows > 0 { &mut found.added } else { &mut found.removed };
        of.keep(self.number, self.rows.unsigned_abs().into());
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_words(out, [self.rows.cast_unsigned(), self.number]);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        let [rows, number] = read_words(input)?;
        Some(Self { rows: rows.cast_signed(), number })
    }
}

impl Entry for Keyed {
    fn of(row: &Row) -> Self {
        let side = if row.side == Side::New { IN_NEW } else { IN_OLD };
        Self { rest: Halves::of(row.rest), place: Place(row.number << 2 | side) }
    }

    fn meet(&mut self, other: Self, found: &mut Found) -> Result<bool, Refused> {
        let (Some((side, number)), Some((other_side, other_number))) = (self.one(), other.one()) else {
            // A pair, and a third or another pair.
            let (pair, third) = if self.one().is_none() { (&*self, &other) } else { (&other, &*self) };
            let (side, number) = third.one().unwrap_or((Side::Old, third.rest.0[0]));
            let Halves([old, new]) = pair.rest;
            return Err(twice(side, if side == Side::Old { old } else { new }, number));
        };
        if side == other_side {
            return Err(twice(side, number, other_number));
        }
        let (old, new) = if side == Side::Old { (number, other_number) } else { (other_number, number) };
        if self.rest != other.rest {
            found.changed.keep((new, old), 1);
        }
        *self = Self { rest: Halves([old, new]), place: Place(IN_BOTH) };
        Ok(true)
    }

    fn end(self, found: &mut Found) {
        match self.one() {
            Some((Side::New, number)) => found.added.keep(number, 1),
            Some((Side::Old, number)) => found.removed.keep(number, 1),
            None => {}
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let Halves([high, low]) = self.rest;
        write_words(out, [high, low, self.place.0]);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        let [high, low, place] = read_words(input)?;
        Some(Self { rest: Halves([high, low]), place: Place(place) })
    }
}

impl Keyed {
    /// The version and the row that it is in, unless it is in both.
    fn one(&self) -> Option<(Side, u32)> {
        let Place(place) = self.place;
        match place & 0b11 {
            IN_OLD => Some((Side::Old, place >> 2)),
            IN_NEW => Some((Side::New, place >> 2)),
            _ => None,
        }
    }
}

fn twice(side: Side, one: u32, other: u32) -> Refused {
    Refused::Twice(side, [one.min(other), one.max(other)])
}

fn write_words<const N: usize>(out: &mut Vec<u8>, words: [u32; N]) {
    words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}

/// `None` at the end.
fn read_words<const N: usize>(input: &mut &[u8]) -> Option<[u32; N]> {
    let (words, rest) = input.as_chunks::<4>();
    debug_assert!(rest.is_empty(), "words");
    let words = words.first_chunk::<N>()?;
    *input = &input[4 * N..];
    Some(words.map(u32::from_le_bytes))
}

/// Entries by identity.
pub(super) struct Tally<E> {
    entries: Entries<E>,
    /// So many are in memory at a time.
    max: usize,
    /// Rows since the last spill that met one of the same identity.
    met: usize,
    /// Rows that go into the file at once, since few before them have met any.
    apart: usize,
    spilled: Option<Spilled>,
}

/// After a spill before which fewer than one row in `FEW` met another, so many times as many rows as were
/// spilled go into the file at once.
const FEW: usize = 8;
const APART: usize = 15;

type Entries<E> = HashMap<Halves, E, BuildHasherDefault<AsIs>>;

impl<E: Entry> Tally<E> {
    pub(super) fn new(max: usize) -> Self {
        Self { entries: HashMap::default(), max, met: 0, apart: 0, spilled: None }
    }

    pub(super) fn count(&mut self, row: &Row, found: &mut Found) -> Result<(), Refused> {
        let identity = Halves::of(row.identity);
        if self.apart > 0
            && let Some(spilled) = &mut self.spilled
        {
            self.apart -= 1;
            return Ok(spilled.write(identity, &E::of(row))?);
        }
        if self.entries.len() >= self.max {
            let was_met = std::mem::take(&mut self.met);
            self.apart = if was_met < self.max / FEW { self.max * APART } else { 0 };
            self.spill()?;
        }
        self.met += usize::from(add(&mut self.entries, identity, E::of(row), found)?);
        Ok(())
    }

    /// Moves all entries to the file.
    fn spill(&mut self) -> io::Result<()> {
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert(Spilled::new()?),
        };
        for (identity, entry) in self.entries.drain() {
            spilled.write(identity, &entry)?;
        }
        Ok(())
    }

    /// Adds what only one version has.
    pub(super) fn end(mut self, found: &mut Found) -> Result<(), Refused> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        let Some(Spilled { mut file, parts, .. }) = self.spilled else {
            self.entries.into_values().for_each(|entry| entry.end(found));
            return Ok(());
        };
        let mut block = vec![0; BLOCK_BYTES];
        for Part { buffer, blocks } in parts {
            for (at, length) in blocks {
                file.seek(SeekFrom::Start(at))?;
                file.read_exact(&mut block[..length])?;
                add_all(&mut self.entries, &block[..length], found)?;
            }
            add_all(&mut self.entries, &buffer, found)?;
            self.entries.drain().for_each(|(_, entry)| entry.end(found));
        }
        Ok(())
    }
}

/// A file of entries, in parts by identity. It has no name, and ends with its process.
struct Spilled {
    file: File,
    length: u64,
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    /// What is not in the file yet.
    buffer: Vec<u8>,
    /// Where its blocks are in the file, and their lengths.
    blocks: Vec<(u64, usize)>,
}

/// The entries of one part go into the processor's cache.
const PARTS: usize = 256;

const BLOCK_BYTES: usize = 16 << 10;

impl Spilled {
    fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, length: 0, parts: (0..PARTS).map(|_| Part::default()).collect() })
    }

    fn write(&mut self, identity: Halves, entry: &impl Entry) -> io::Result<()> {
        let Part { buffer, blocks } = &mut self.parts[identity.0[0] as usize % PARTS];
        write_words(buffer, identity.0);
        entry.write(buffer);
        // An entry has 20 bytes at most.
        if buffer.len() + 20 > BLOCK_BYTES {
            self.file.write_all(buffer)?;
            blocks.push((self.length, buffer.len()));
            self.length += buffer.len() as u64;
            buffer.clear();
        }
        Ok(())
    }
}

fn add_all<E: Entry>(entries: &mut Entries<E>, mut block: &[u8], found: &mut Found) -> Result<(), Refused> {
    while let Some(identity) = read_words(&mut block) {
        let entry = E::read(&mut block).ok_or(io::ErrorKind::UnexpectedEof).map_err(io::Error::from)?;
        add(entries, Halves(identity), entry, found)?;
    }
    Ok(())
}

/// Tells whether one of the same identity was there.
fn add<E: Entry>(entries: &mut Entries<E>, identity: Halves, entry: E, found: &mut Found) -> Result<bool, Refused> {
    match entries.entry(identity) {
        MapEntry::Occupied(mut known) => {
            if !known.get_mut().meet(entry, found)? {
                known.remove();
            }
            Ok(true)
        }
        MapEntry::Vacant(place) => {
            place.insert(entry);
            Ok(false)
        }
    }
}

/// A hash in halves, so that it takes no space to be aligned.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Halves([u32; 2]);

impl Halves {
    fn of(hash: u64) -> Self {
        Self([(hash >> 32) as u32, hash as u32])
    }
}

impl std::hash::Hash for Halves {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let [high, low] = self.0;
        hasher.write_u64(u64::from(high) << 32 | u64::from(low));
    }
}

/// Hashes what is a hash.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are hashed");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What has been found so far.
pub(super) struct Found {
    /// By their place in the new version.
    pub(super) added: Kept<u32>,
    /// By their place in the old version.
    pub(super) removed: Kept<u32>,
    /// By their places in the new and in the old version.
    pub(super) changed: Kept<(u32, u32)>,
}

impl Found {
    /// Keeps so many examples of each sort.
    pub(super) fn new(examples: usize) -> Self {
        Self { added: Kept::new(examples), removed: Kept::new(examples), changed: Kept::new(examples) }
    }
}

/// A count, and the first few of what was counted.
pub(super) struct Kept<T> {
    pub(super) count: u64,
    first: BinaryHeap<T>,
    limit: usize,
}

impl Kept<u32> {
    /// All rows of a version.
    pub(super) fn keep_all(&mut self, rows: u32) {
        self.count += u64::from(rows);
        self.first.extend((0..rows).take(self.limit));
    }
}

impl<T: Copy + Ord> Kept<T> {
    fn new(limit: usize) -> Self {
        Self { count: 0, first: BinaryHeap::new(), limit }
    }

    /// Counts so many that are alike, of which one is an example.
    pub(super) fn keep(&mut self, item: T, count: u64) {
        self.count += count;
        if self.first.len() < self.limit {
            self.first.push(item);
        } else if self.first.peek().is_some_and(|last| item < *last) {
            self.first.pop();
            self.first.push(item);
        }
    }

    /// In order.
    pub(super) fn examples(&self) -> Vec<T> {
        self.first.clone().into_sorted_vec()
    }
}
