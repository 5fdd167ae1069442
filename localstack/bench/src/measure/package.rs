//! How large a function is that is uploaded.

use serde_json::{Map, Value, json};

use super::Part;
use crate::Failed;
use crate::plan::Plan;
use crate::rig::{BEHIND, FUNCTIONS, NOTHING, Rig};
use crate::stats::real;
use crate::table::{Row, Target};

const BOUND_MIB: f64 = 5.0;
/// What zip and the entry `bootstrap` add to the packed bytes: a local header, an entry of the directory,
/// and its end.
const ZIP: usize = 30 + 46 + 22 + 2 * "bootstrap".len();
/// The best that deflate does in a reasonable time, as `zip -9`.
const LEVEL: u8 = 9;

pub(super) fn measure(rig: &Rig, plan: &Plan) -> Result<Part, Failed> {
    let mut sizes = Vec::new();
    let mut raw = Map::new();
    // Debug builds are large, and packed slowly.
    let count = if plan.quick { 1 } else { usize::MAX };
    let functions = FUNCTIONS.into_iter().chain(BEHIND).take(count);
    for name in functions.chain([NOTHING]) {
        let program = std::fs::read(rig.settings(name)?.program)?;
        let zipped = zipped(&program);
        raw.insert(name.to_owned(), json!({ "bytes": program.len(), "zipped": zipped }));
        sizes.push((name, mib(zipped)));
    }
    let (_, floor) = sizes.pop().unwrap_or_default();
    sizes.sort_unstable_by(|(_, one), (_, other)| other.total_cmp(one));
    let (largest, size) = sizes.first().copied().unwrap_or_default();
    let nothing = (NOTHING, floor);
    let others = sizes.iter().skip(1).chain([&nothing]);
    let others = others.map(|(name, size)| format!("{name} {size:.2}"));
    let row = Row {
        what: format!("package, the largest of {} ({largest})", sizes.len()),
        measured: format!("{size:.2} MiB"),
        other: others.collect::<Vec<_>>().join(", "),
        ratio: format!("{size:.2} MiB"),
        target: "≤ 5 MiB".to_owned(),
        met: Some(Target::AtMost(BOUND_MIB).is_met_by(size)),
        about: "The program as `bootstrap` in a zip, deflated as well as it goes, for this machine's architecture. \
                Only the functions that the benchmark builds."
            .to_owned(),
        shortfall: String::new(),
    };
    Ok((vec![row], Value::Object(raw)))
}

fn zipped(program: &[u8]) -> usize {
    miniz_oxide::deflate::compress_to_vec(program, LEVEL).len() + ZIP
}

fn mib(bytes: usize) -> f64 {
    real(bytes) / 1024.0 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_packed_and_what_does_not_is_kept() {
        let same = vec![7_u8; 100_000];
        assert!(zipped(&same) < 1000);
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(100_000)
        .collect();
        assert!((90_000..101_000).contains(&zipped(&noise)));
    }
}
