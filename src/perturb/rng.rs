//! Random numbers that are the same in every run: a hash of what they are for.

/// Bytes that are made at once.
const BYTES: usize = 256;

/// A stream of random numbers that depends only on a seed and a name.
pub struct SeededRng {
    reader: blake3::OutputReader,
    bytes: [u8; BYTES],
    /// Bytes that were given out.
    used: usize,
}

impl SeededRng {
    pub fn new(seed: u64, name: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        for part in name {
            hasher.update(part.as_bytes()).update(b"\0");
        }
        Self {
            reader: hasher.finalize_xof(),
            bytes: [0; BYTES],
            used: BYTES,
        }
    }

    fn next(&mut self) -> u64 {
        if self.used == BYTES {
            self.reader.fill(&mut self.bytes);
            self.used = 0;
        }
        let start = self.used;
        self.used += 8;
        u64::from_le_bytes(std::array::from_fn(|i| self.bytes[start + i]))
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Uniform from 0 to `n - 1`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// The numbers below `n` in a random order (Fisher and Yates).
    pub fn shuffled(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }
}
