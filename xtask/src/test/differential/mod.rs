//! The lane `differential`: one deterministic guest on several lanes, whose exits must have had the same effects.

mod compare;
mod effects;
mod file;
mod rules;

use super::report::{self, Result as Outcome};
use super::system::{Bench, Console};
use compare::{Difference, Lane};
use effects::Step;
use file::Plant;
pub(super) use file::{Differential, find};

impl Differential {
    /// Plays all lanes, one after another, and compares.
    pub(super) fn run(&self, bench: &Bench<'_>) -> Outcome {
        let mut played = Vec::new();
        for test in &self.tests {
            let lane = test.lane();
            let console = match bench.console(test) {
                Ok(console) => console,
                Err(Outcome::Failed(why)) => return Outcome::Failed(format!("{lane}: {why}")),
                Err(Outcome::Skipped(why)) => return Outcome::Skipped(format!("{lane}: {why}")),
                Err(Outcome::Passed(_)) => continue,
            };
            match effects::read(&console.text) {
                Ok(steps) => played.push((lane, console, steps)),
                Err(why) => return Outcome::Failed(format!("{lane}: {why}\n    {}", bench.keep(test, &console))),
            }
        }
        let Some(((first, one, reference), others)) = played.split_first() else {
            return Outcome::Failed("there are no lanes".into());
        };
        let one_lane = Lane { name: first, steps: reference };
        let mut found = Vec::new();
        for ((lane, console, steps), test) in others.iter().zip(self.tests.iter().skip(1)) {
            if let Some(difference) = compare::compare(reference, steps) {
                let shown = compare::show(&difference, &one_lane, &Lane { name: lane, steps });
                found.push(Found { lane, difference, shown, kept: bench.keep(test, console) });
            }
        }
        let kept = self.tests.first().map(|test| bench.keep(test, one)).unwrap_or_default();
        self.judge(reference, &found, &kept)
    }

    fn judge(&self, reference: &[Step], found: &[Found<'_>], kept: &str) -> Outcome {
        match (&self.plant, found) {
            (None, []) => Outcome::Passed(format!("{}: {} steps", self.title, reference.len())),
            (Some(plant), [only]) if plant.is_found(only) => Outcome::Passed(format!(
                "{}: found, as planned:\n    {}",
                self.title,
                only.shown.replace('\n', "\n    ")
            )),
            (Some(plant), []) => Outcome::Failed(format!("the error planted in step {} was not found", plant.step)),
            (plant, found) => {
                let wanted = plant.as_ref().map_or(String::new(), |plant| format!("not what was planted: {plant}\n"));
                let shown: Vec<String> =
                    found.iter().map(|found| format!("{}\n    {}", found.shown, found.kept)).collect();
                Outcome::Failed(format!("{wanted}{}\n    {kept}", shown.join("\n")))
            }
        }
    }
}

/// A lane that differs from the first.
struct Found<'l> {
    lane: &'l str,
    difference: Difference,
    shown: String,
    kept: String,
}

impl Plant {
    /// Whether it is the planted error that was found, and nothing besides.
    fn is_found(&self, found: &Found<'_>) -> bool {
        let planted = Difference { step: self.step, fields: vec![self.register.clone()] };
        found.lane == self.lane && found.difference == planted
    }
}

/// Keeps a console in a log of the lane's name.
impl Bench<'_> {
    fn keep(&self, test: &super::system::SystemTest, console: &Console) -> String {
        report::keep(self.places(), &test.name, &console.machine, &console.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differential(plant: &str) -> Differential {
        let text = format!(
            "title = 't'\nlanes = ['svm', 'vtx']\ndomain = 'differ'\n{plant}[[system.domain]]\nname = 'differ'\n"
        );
        Differential::parse(&text, std::path::Path::new("dir/exits.toml")).unwrap()
    }

    fn found(lane: &'static str, step: usize, field: &str) -> Found<'static> {
        let difference = Difference { step, fields: vec![field.into()] };
        Found { lane, difference, shown: "shown".into(), kept: "kept".into() }
    }

    #[test]
    fn a_difference_fails_and_none_passes() {
        let test = differential("");
        assert!(matches!(test.judge(&[], &[], ""), Outcome::Passed(_)));
        assert!(
            matches!(test.judge(&[], &[found("vtx", 3, "rax")], ""), Outcome::Failed(why) if why.contains("shown"))
        );
    }

    #[test]
    fn only_the_planted_error_will_do() {
        let test = differential("plant = { lane = 'vtx', step = 3, register = 'rax' }\n");
        assert!(matches!(test.judge(&[], &[found("vtx", 3, "rax")], ""), Outcome::Passed(_)));
        for wrong in [found("vtx", 4, "rax"), found("vtx", 3, "rbx"), found("svm-bochs", 3, "rax")] {
            assert!(matches!(test.judge(&[], &[wrong], ""), Outcome::Failed(why) if why.contains("planted")));
        }
        assert!(matches!(test.judge(&[], &[], ""), Outcome::Failed(why) if why.contains("not found")));
    }
}
