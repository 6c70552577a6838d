//! Levels of lints that hold in a part of a program only.

use alloc::vec::Vec;

use super::Span;
use crate::lint::{Level, Lint};

/// What comments say of each lint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scopes(Vec<Rules>);

#[derive(Clone, Debug)]
struct Rules {
    lint: Lint,
    /// In forms, which nest; in the order of their beginnings.
    forms: Vec<(Span, Level)>,
    /// In lines, which do not; in their order.
    lines: Vec<(Span, Level)>,
    /// `forms` as the level that holds from a place to the next; made once all are known.
    from: Vec<(u32, Option<Level>)>,
}

impl Scopes {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Notes a rule; rules come in the order of the source.
    pub(crate) fn add(&mut self, lint: Lint, level: Level, span: Span, is_line: bool) {
        let at = self.0.iter().position(|rules| rules.lint == lint).unwrap_or_else(|| {
            self.0.push(Rules { lint, forms: Vec::new(), lines: Vec::new(), from: Vec::new() });
            self.0.len() - 1
        });
        let Some(rules) = self.0.get_mut(at) else { return };
        let list = if is_line { &mut rules.lines } else { &mut rules.forms };
        // Of two for the same place the later holds.
        list.pop_if(|(last, _)| *last == span);
        list.push((span, level));
    }

    /// Makes look-ups quick: a program may have as many comments as findings.
    pub(crate) fn finish(&mut self) {
        for rules in &mut self.0 {
            let mut open: Vec<(Span, Level)> = Vec::new();
            for &(span, level) in &rules.forms {
                close(&mut open, span.start, &mut rules.from);
                rules.from.push((span.start, Some(level)));
                open.push((span, level));
            }
            close(&mut open, u32::MAX, &mut rules.from);
            rules.from.sort_by_key(|&(start, _)| start);
        }
    }

    /// Whether a comment says anything of this lint.
    pub(crate) fn mention(&self, lint: Lint) -> bool {
        self.0.iter().any(|rules| rules.lint == lint)
    }

    /// The level of a lint at a place, if a comment says it: that of the line, else of the innermost form.
    pub(crate) fn level(&self, lint: Lint, place: u32) -> Option<Level> {
        let rules = self.0.iter().find(|rules| rules.lint == lint)?;
        let line = rules.lines.partition_point(|(span, _)| span.start <= place);
        let line = line.checked_sub(1).and_then(|at| rules.lines.get(at));
        if let Some(&(_, level)) = line.filter(|(span, _)| place < span.end) {
            return Some(level);
        }
        let from = rules.from.partition_point(|&(start, _)| start <= place);
        rules.from.get(from.checked_sub(1)?)?.1
    }
}

/// Ends the forms that end at a place or before it.
fn close(open: &mut Vec<(Span, Level)>, place: u32, from: &mut Vec<(u32, Option<Level>)>) {
    while let Some((span, _)) = open.pop_if(|(span, _)| span.end <= place) {
        from.push((span.end, open.last().map(|&(_, level)| level)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_before_the_innermost_form() {
        let lint = Lint::NeverRead;
        let mut scopes = Scopes::default();
        scopes.add(lint, Level::Deny, Span::new(10, 100), false);
        scopes.add(lint, Level::Off, Span::new(20, 30), false);
        scopes.add(lint, Level::Warn, Span::new(20, 30), false);
        scopes.add(lint, Level::Off, Span::new(25, 60), true);
        scopes.finish();
        let level = |place| scopes.level(lint, place);
        assert_eq!([level(9), level(10), level(100)], [None, Some(Level::Deny), None]);
        assert_eq!(
            [level(20), level(24), level(60)].map(Option::unwrap),
            [Level::Warn, Level::Warn, Level::Deny]
        );
        assert_eq!([level(25), level(59)], [Some(Level::Off); 2]);
        assert_eq!(scopes.level(Lint::NeverRuns, 15), None);
        assert!(scopes.mention(lint) && !scopes.mention(Lint::NeverRuns));
    }
}
