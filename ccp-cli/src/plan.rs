//! Which algorithms an agent has, as text: chosen on a command line, kept in a recording.

use ccp_algs::{ReportEvery, Spec, Specs, registry};
use serde::{Deserialize, Serialize};

/// Enough to make the same agent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AgentPlan {
    /// What governs flows that ask for none, or for one that is not there.
    pub(crate) default: String,
    /// By the names that flows ask for.
    pub(crate) named: Vec<(String, String)>,
    /// How often they report, if that is not left to each.
    pub(crate) report: String,
    /// What they draw from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// What governs nothing, but whose programs are installed as well.
    #[serde(skip)]
    pub(crate) idle: Vec<String>,
}

impl AgentPlan {
    /// The algorithms that were asked for, or all; the first is the default if no other is given.
    pub(crate) fn of(asked: &[String], default: Option<&str>) -> Result<Self, String> {
        let all = registry::ALL.iter().map(|info| info.name.to_owned());
        let wanted: Vec<String> = if asked.is_empty() { all.collect() } else { asked.to_vec() };
        let mut named: Vec<(String, String)> = Vec::new();
        let text_of = |named: &[(String, String)], name: &str| {
            named.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone())
        };
        for text in wanted {
            let name = parse(&text)?.name();
            if text_of(&named, name).is_some() {
                return Err(format!("{name} is named twice"));
            }
            named.push((name.to_owned(), text));
        }
        let first = || named.first().map(|(_, text)| text.clone()).ok_or("there is no algorithm");
        let default = match default {
            Some(text) => {
                let name = parse(text)?.name();
                match text_of(&named, name) {
                    Some(known) if text == name => known,
                    Some(_) => {
                        return Err(format!(
                            "--default: give {name} its parameters where it is named"
                        ));
                    }
                    None => {
                        named.push((name.to_owned(), text.to_owned()));
                        text.to_owned()
                    }
                }
            }
            None if asked.is_empty() => text_of(&named, PREFERRED).map_or_else(first, Ok)?,
            None => first()?,
        };
        Ok(Self { default, named, report: String::new(), seed: None, idle: Vec::new() })
    }

    /// These, by the names that flows ask for, and what those draw from that draw.
    pub(crate) fn named(default: String, named: Vec<(String, String)>, seed: u64) -> Self {
        Self { default, named, report: String::new(), seed: Some(seed), idle: Vec::new() }
    }

    /// Sets how often they report.
    pub(crate) fn report(mut self, every: ReportEvery) -> Self {
        self.report = every.to_string();
        self
    }

    /// Other algorithms in place of these, whose programs stay installed: a datapath then knows all of them by the
    /// same numbers, if there is none among the others' that it does not have.
    pub(crate) fn replaced_by(&self, other: Self) -> Self {
        let idle = self.named.iter().map(|(_, text)| text.clone());
        Self {
            idle: idle.chain([self.default.clone()]).collect(),
            report: self.report.clone(),
            seed: self.seed,
            ..other
        }
    }

    /// The algorithms.
    pub(crate) fn specs(&self) -> Result<Specs, String> {
        let every: Option<ReportEvery> = match self.report.as_str() {
            "" => None,
            text => {
                let wrong = |_| format!("'{text}' is no way to report; rtt, ack and 10ms are");
                Some(text.parse().map_err(wrong)?)
            }
        };
        // What was named for one algorithm holds for that: a seed, and what is only a default here.
        let seed = |text: &str| self.seed.filter(|_| !text.contains(",seed="));
        let least = |text: &str| {
            let is_default = |every: &ReportEvery| matches!(every, ReportEvery::RttOr(_));
            every.filter(is_default).filter(|_| !text.contains(",report="))
        };
        let spec = |text: &str| {
            let spec = seed(text).into_iter().fold(parse(text)?, Spec::seed);
            Ok::<_, String>(least(text).into_iter().fold(spec, Spec::report))
        };
        let mut specs = Specs::new(spec(&self.default)?);
        for (name, text) in &self.named {
            specs = specs.with(name, spec(text)?);
        }
        for text in &self.idle {
            // No flow asks for this: a name ends with its first NUL.
            specs = specs.with("\0", parse(text)?);
        }
        if let Some(every) = every.filter(|every| !matches!(every, ReportEvery::RttOr(_))) {
            specs = specs.report(every);
        }
        Ok(specs)
    }

    /// The names that flows may ask for, for people.
    pub(crate) fn names(&self) -> String {
        self.named.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",")
    }
}

fn parse(text: &str) -> Result<Spec, String> {
    text.parse::<Spec>().map_err(|error| error.to_string())
}

/// What governs flows by default when nobody chose.
const PREFERRED: &str = "cubic";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_algorithm_named_is_the_default() {
        let plan = AgentPlan::of(&["reno,beta=0.6".to_owned()], None).unwrap();
        assert_eq!((plan.names().as_str(), plan.default.as_str()), ("reno", "reno,beta=0.6"));
    }

    #[test]
    fn without_names_all_run() {
        let plan = AgentPlan::of(&[], None).unwrap();
        assert_eq!(plan.named.len(), registry::ALL.len());
        assert_eq!(plan.default, "cubic");
    }

    #[test]
    fn an_algorithm_is_named_once() {
        let twice = ["cubic,beta=0.8".to_owned(), "cubic".to_owned()];
        assert!(AgentPlan::of(&twice, None).unwrap_err().contains("twice"));
        let both = ["cubic:linux".to_owned(), "cubic".to_owned()];
        assert_eq!(AgentPlan::of(&both, None).unwrap().default, "cubic:linux");
        let default = AgentPlan::of(&both, Some("cubic,beta=0.8")).unwrap_err();
        assert!(default.contains("where it is named"), "{default}");
        assert_eq!(AgentPlan::of(&both, Some("reno")).unwrap().names(), "cubic:linux,cubic,reno");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = AgentPlan::of(&["rino".to_owned()], None).unwrap_err();
        assert!(error.contains("'rino'") && error.contains("reno"), "{error}");
        assert!(AgentPlan::of(&[], Some("rino")).is_err());
    }

    #[test]
    fn a_plan_is_the_same_when_it_is_read_back() {
        let named = ["cubic,beta=0.8".to_owned(), "bbr".to_owned()];
        let mut plan = AgentPlan::of(&named, Some("bbr")).unwrap().report(ReportEvery::Ack);
        plan.seed = Some(7);
        let text = serde_json::to_string(&plan).unwrap();
        let read: AgentPlan = serde_json::from_str(&text).unwrap();
        assert_eq!(read, plan);
        assert_eq!(format!("{:?}", read.specs().unwrap()), format!("{:?}", plan.specs().unwrap()));
    }

    #[test]
    fn a_default_of_reports_leaves_what_is_named_for_one_algorithm() {
        let asked = ["reno".to_owned(), "cubic,report=ack".to_owned()];
        let least = std::time::Duration::from_millis(1);
        let plan = AgentPlan::of(&asked, None).unwrap().report(ReportEvery::RttOr(least));
        let specs = format!("{:?}", plan.specs().unwrap());
        assert!(specs.contains("RttOr(1ms)") && specs.contains("Ack"), "{specs}");
        let plan = AgentPlan::of(&asked, None).unwrap().report(ReportEvery::Interval(least));
        let specs = format!("{:?}", plan.specs().unwrap());
        assert!(specs.contains("Interval(1ms)") && !specs.contains("Ack"), "{specs}");
    }
}
