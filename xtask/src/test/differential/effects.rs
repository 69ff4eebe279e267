//! What the hypervisor's recorder wrote (`docs/debugging.md`, "Recorded effects"), read back into whole states.

/// One record: what the guest did, and the state with which it went on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// What the guest did.
    pub(super) cause: String,
    /// Names and values of all registers, in the order in which they were first told.
    pub(super) registers: Vec<(String, u64)>,
    /// Those that are not what they were in the record before.
    pub(super) changed: Vec<String>,
    /// The hash of the memory, where the guest asked for it.
    pub(super) memory: Option<u64>,
}

impl Record {
    /// A register's value; those that were never told are 0.
    pub(super) fn register(&self, name: &str) -> u64 {
        self.registers.iter().find(|(known, _)| known == name).map_or(0, |(_, value)| *value)
    }

    fn set(&mut self, name: &str, value: u64) {
        self.changed.push(name.to_owned());
        match self.registers.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.registers.push((name.to_owned(), value)),
        }
    }
}

/// A step, and what only some machines record: the asides before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Its record.
    pub(super) record: Record,
    /// Causes of the asides since the step before.
    pub(super) asides: Vec<String>,
}

/// All steps of a console's text, numbered from 1 on.
pub(super) fn read(console: &str) -> Result<Vec<Step>, String> {
    let mut reader = Reader::default();
    for line in console.lines() {
        if let Some(record) = line.split_once("effect ").map(|(_, record)| record) {
            reader.line(record).map_err(|why| format!("{why}: {line}"))?;
        }
    }
    if reader.steps.is_empty() { Err("the hypervisor recorded nothing".into()) } else { Ok(reader.steps) }
}

#[derive(Default)]
struct Reader {
    steps: Vec<Step>,
    state: Record,
    asides: Vec<String>,
    /// The last line began an aside, and not a step.
    in_aside: bool,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("+") => {}
            Some("-") => {
                let cause = words.next().ok_or("an aside without a cause")?;
                self.asides.push(cause.to_owned());
                self.begin(true);
            }
            Some(number) => {
                let expected = self.steps.len() + 1;
                if number.parse() != Ok(expected) {
                    return Err(format!("step {expected} should come here"));
                }
                self.begin(false);
                self.state.cause = words.next().ok_or("a step without a cause")?.to_owned();
                self.steps.push(Step { asides: std::mem::take(&mut self.asides), ..Step::default() });
            }
            None => return Err("an empty record".into()),
        }
        words.try_for_each(|change| self.change(change))?;
        if !self.in_aside
            && let Some(step) = self.steps.last_mut()
        {
            step.record = self.state.clone();
        }
        Ok(())
    }

    fn begin(&mut self, aside: bool) {
        // What an aside changed is a change of the step behind it, too.
        if !self.in_aside {
            self.state.changed.clear();
        }
        self.in_aside = aside;
        self.state.memory = None;
    }

    fn change(&mut self, change: &str) -> Result<(), String> {
        let pair = change.split_once('=').and_then(|(name, value)| Some((name, u64::from_str_radix(value, 16).ok()?)));
        match pair.ok_or_else(|| format!("{change} is no change"))? {
            ("memory", hash) => self.state.memory = Some(hash),
            (name, value) => self.state.set(name, value),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "phalanx: booted\neffect 1 start rip=200000 rflags=2\neffect - cr4 rip=200003\neffect 2 cpuid:0.0 \
        rax=d rbx=756e6547\neffect + rip=200005\nrow pieces 3\neffect 3 hypercall:50480000 memory=1f rip=200008\n";

    #[test]
    fn changes_become_states() {
        let steps = read(CONSOLE).unwrap();
        assert_eq!(steps.len(), 3);
        assert_eq!((steps[1].record.cause.as_str(), steps[1].record.register("rip")), ("cpuid:0.0", 0x20_0005));
        assert_eq!(steps[1].asides, ["cr4"]);
        let last = &steps[2].record;
        assert_eq!((last.register("rax"), last.register("rflags"), last.register("cr2")), (0xd, 2, 0));
        assert_eq!((last.memory, last.changed.as_slice()), (Some(0x1f), ["rip".to_owned()].as_slice()));
        assert_eq!(steps[1].record.memory, None);
    }

    #[test]
    fn a_lost_line_is_noticed() {
        assert!(read(&CONSOLE.replace("effect 2 ", "effekt 2 ")).unwrap_err().contains("step 2 should come here"));
        assert!(read("effect 1 start rip=x\n").unwrap_err().contains("rip=x is no change"));
        assert!(read("phalanx: booted\n").unwrap_err().contains("recorded nothing"));
    }
}
