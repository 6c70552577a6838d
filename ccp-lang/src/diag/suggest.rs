//! "Did you mean": the known name closest to an unknown one.

/// Collects candidates and keeps the closest.
pub(crate) struct Candidates<'a> {
    wanted: &'a str,
    best: Option<(usize, &'a str)>,
}

impl<'a> Candidates<'a> {
    pub(crate) const fn new(wanted: &'a str) -> Self {
        Self { wanted, best: None }
    }

    /// Considers one name. Of equally close ones the first stays.
    pub(crate) fn consider(&mut self, candidate: &'a str) {
        if let Some(distance) = distance(self.wanted, candidate)
            && self.best.is_none_or(|(best, _)| distance < best)
        {
            self.best = Some((distance, candidate));
        }
    }

    pub(crate) fn best(self) -> Option<&'a str> {
        self.best.map(|(_, name)| name)
    }
}

/// The closest of `names`, if one is close enough to be meant.
pub(crate) fn closest<'a>(
    wanted: &'a str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut candidates = Candidates::new(wanted);
    names.into_iter().for_each(|name| candidates.consider(name));
    candidates.best()
}

/// How far a candidate is from the wanted name; `None` when it cannot be meant.
fn distance(wanted: &str, candidate: &str) -> Option<usize> {
    if wanted.len() > MAX_LEN || candidate.len() > MAX_LEN || wanted == candidate {
        return None;
    }
    if wanted.eq_ignore_ascii_case(candidate) {
        return Some(0);
    }
    let split = |name| str::rsplit_once(name, '.').unwrap_or(("", name));
    let (wanted_prefix, wanted_field) = split(wanted);
    let (prefix, field) = split(candidate);
    let is_same_group = wanted_prefix == prefix || wanted_prefix.is_empty();
    // `acked` for `Report.acked`: all of the field is there. Under another prefix it is hardly meant.
    if wanted_field.eq_ignore_ascii_case(field) {
        return Some(if is_same_group { 1 } else { OTHER_GROUP });
    }
    let penalty = if wanted_prefix == prefix { 1 } else { 2 };
    // A name cut short or spelled on, such as `Flow.rtt_sample` for `Flow.rtt_sample_us`.
    let is_part = field.starts_with(wanted_field) || wanted_field.starts_with(field);
    let is_spelled_on = is_part && field.len().min(wanted_field.len()) >= 3;
    let edits = if is_same_group {
        edits(wanted_field.as_bytes(), field.as_bytes())
    } else {
        edits(wanted.as_bytes(), candidate.as_bytes())
    };
    let allowed = wanted_field.len().max(field.len()) / 3;
    if is_same_group && is_spelled_on {
        // However much is missing, `Flow.rtt` is rather `Flow.rtt_sample_us` than `Report.rtt`.
        return Some((edits + penalty).min(OTHER_GROUP - 1));
    }
    if is_same_group && has_words(field, wanted_field) {
        return Some(OTHER_GROUP - 1);
    }
    (edits <= allowed).then_some(edits + penalty)
}

/// Whether a field has all the words of another, as `rtt_sample_us` those of `rtt_us`.
fn has_words(field: &str, wanted: &str) -> bool {
    let mut words = wanted.split('_');
    wanted.contains('_')
        && words.all(|word| !word.is_empty() && field.split('_').any(|w| w == word))
}

/// Insertions, removals, replacements and swaps of neighbours between two short texts.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut rows = [[0_usize; MAX_LEN + 1]; 3];
    for (at, cell) in rows[0].iter_mut().enumerate() {
        *cell = at;
    }
    for (i, &x) in a.iter().enumerate() {
        let [old, last, next] = match i % 3 {
            0 => [2, 0, 1],
            1 => [0, 1, 2],
            _ => [1, 2, 0],
        };
        rows[next][0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let replaced = rows[last][j] + usize::from(x != y);
            let mut cell = replaced.min(rows[last][j + 1] + 1).min(rows[next][j] + 1);
            if i > 0 && j > 0 && a[i - 1] == y && b[j - 1] == x {
                cell = cell.min(rows[old][j - 1] + 1);
            }
            rows[next][j + 1] = cell;
        }
    }
    rows[a.len() % 3][b.len()]
}

/// The distance of the same field under another prefix.
const OTHER_GROUP: usize = 4;

/// Longer names are not compared: the time for it would grow with their product.
const MAX_LEN: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_found() {
        let names = ["Report.acked", "Flow.rtt_sample_us", "Cwnd", "reportTime"];
        for (wanted, meant) in [
            ("Report.aked", "Report.acked"),
            ("acked", "Report.acked"),
            ("Flow.rtt_sample", "Flow.rtt_sample_us"),
            ("Flow.rtt_us", "Flow.rtt_sample_us"),
            ("rtt_sampel_us", "Flow.rtt_sample_us"),
            ("cwnd", "Cwnd"),
            ("reporttime", "reportTime"),
            ("Cwdn", "Cwnd"),
            ("Reprot.acked", "Report.acked"),
            ("reportTimer", "reportTime"),
            ("Flow.acked", "Report.acked"),
        ] {
            assert_eq!(closest(wanted, names), Some(meant), "{wanted}");
        }
    }

    #[test]
    fn a_name_cut_short_is_closer_than_the_same_field_under_another_prefix() {
        let names = ["Report.rtt", "Flow.rtt_sample_us"];
        assert_eq!(closest("Flow.rtt", names), Some("Flow.rtt_sample_us"));
        assert_eq!(closest("rtt", names), Some("Report.rtt"));
    }

    #[test]
    fn unrelated_names_are_not_offered() {
        let names = ["Report.acked", "Flow.rtt_sample_us", "Cwnd"];
        for wanted in ["x", "loss", "Report.minrtt", "Report.zzzzz", "foo.bar", "Flow.x"] {
            assert_eq!(closest(wanted, names), None, "{wanted}");
        }
    }

    #[test]
    fn distances_count_swaps_as_one() {
        assert_eq!(edits(b"ab", b"ba"), 1);
        assert_eq!(edits(b"", b"abc"), 3);
        assert_eq!(edits(b"kitten", b"sitting"), 3);
    }
}
