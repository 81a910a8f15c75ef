// NumPy's random numbers: the same seed gives the same ones here as there. PCG64, seeded by its SeedSequence.

const WORD = 2n ** 32n;
const LONG = 2n ** 64n;
const WIDE = 2n ** 128n;
const STEP = (2549297995355413924n << 64n) | 4865540595714422341n;
const POOL = 4;

const times = (a, b) => Math.imul(a, b) >>> 0;
const folded = (x) => (x ^ (x >>> 16)) >>> 0;

// Whole numbers of 32 bits that a seed is mixed into.
function pooled(seed) {
  const given = [];
  for (let rest = BigInt(seed); rest || !given.length; rest /= WORD) given.push(Number(rest % WORD));
  let constant = 0x43b0d7e5;
  function hashed(value) {
    const before = (value ^ constant) >>> 0;
    constant = times(constant, 0x931e8875);
    return folded(times(before, constant));
  }
  const mixed = (x, y) => folded((times(0xca01f9dd, x) - times(0x4973f715, y)) >>> 0);
  const pool = Array.from({ length: POOL }, (_, i) => hashed(given[i] ?? 0));
  for (let from = 0; from < POOL; from++) {
    for (let to = 0; to < POOL; to++) if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
  }
  for (const value of given.slice(POOL)) pool.forEach((_, to) => (pool[to] = mixed(pool[to], hashed(value))));
  return pool;
}

// Two numbers of 128 bits out of them.
function wideNumbers(pool) {
  let constant = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => {
    const before = (pool[i % POOL] ^ constant) >>> 0;
    constant = times(constant, 0x58f38ded);
    return BigInt(folded(times(before, constant)));
  });
  const long = (i) => words[2 * i] + words[2 * i + 1] * WORD;
  return [long(0) * LONG + long(1), long(2) * LONG + long(3)];
}

// `double()` and `float()` give numbers from 0 to 1, as NumPy's Generator.random does of float64 and of float32.
export function randomOf(seed) {
  const [start, sequence] = wideNumbers(pooled(seed));
  const increment = ((sequence << 1n) | 1n) % WIDE;
  let state = (increment + start) % WIDE;
  const move = () => (state = (state * STEP + increment) % WIDE);
  move();
  let half = null; // of a long number, which is worth two floats

  function long() {
    move();
    const [bits, turn] = [(state >> 64n) ^ (state % LONG), state >> 122n];
    return ((bits >> turn) | (bits << (64n - turn))) % LONG;
  }

  return {
    double: () => Number(long() >> 11n) / 2 ** 53,
    float() {
      const both = half ?? long();
      const word = half === null ? both % WORD : both >> 32n;
      half = half === null ? both : null;
      return Number(word >> 8n) / 2 ** 24;
    },
  };
}

export const newSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000;
