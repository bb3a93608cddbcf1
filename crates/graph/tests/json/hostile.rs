use crate::ops::registry;
use rsym_graph::json::{from_bytes, to_json};

/// Numbers from a seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

const PIECES: [&str; 16] = [
    "0",
    "-1",
    "4294967295",
    "99999999999999999999",
    "null",
    "\"",
    "\\u0000",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"subgraphs\": [{",
    "\"num_args\": \"1000000000\"",
    "\"Concat\"",
    "1e999",
];

/// Replaces, repeats, removes or inserts a piece somewhere.
fn mutate(text: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(text.len());
    let end = (at + random.below(24)).min(text.len());
    match random.below(4) {
        0 => text[at] = random.below(256) as u8,
        1 => drop(text.drain(at..end)),
        2 => {
            let piece = text[at..end].to_vec();
            let to = random.below(text.len());
            text.splice(to..to, piece);
        }
        _ => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
    }
}

#[test]
fn damaged_files_are_errors_or_symbols_that_can_be_saved() {
    let (mut random, registry) = (Random(0x5eed), registry());
    let files = [include_str!("group.json"), include_str!("old.json")];
    let (mut loaded, mut refused) = (0, 0);
    for round in 0..20_000 {
        let mut text = files[round % files.len()].as_bytes().to_vec();
        for _ in 0..1 + random.below(3) {
            mutate(&mut text, &mut random);
        }
        match from_bytes(&registry, &text) {
            Ok(back) => {
                let text = to_json(&back.symbol).unwrap();
                let again = from_bytes(&registry, text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"));
                assert_eq!(to_json(&again.symbol).unwrap(), text);
                loaded += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(loaded > 500 && refused > 1000, "{loaded} loaded, {refused} refused");
}

#[test]
fn deep_nesting_is_an_error_not_a_stack_overflow() {
    for piece in ["[", "{\"nodes\": [{\"subgraphs\": [", "{\"attrs\": {\"x\": [[["] {
        assert!(from_bytes(&registry(), format!("{{\"nodes\": {}", piece.repeat(100_000)).as_bytes()).is_err());
    }
}
