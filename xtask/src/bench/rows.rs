//! The measured rows: read from a console, printed as a table or as JSON.

use crate::arch::Arch;
use crate::error::{Result, trouble};

/// One measured operation.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Row {
    pub(super) row: String,
    pub(super) lane: &'static str,
    pub(super) instructions: u64,
}

/// The `row NAME VALUE` lines.
pub(super) fn of(console: &str, lane: &'static str) -> Vec<Row> {
    let row = |line: &str| {
        let mut words = line.strip_prefix("row ")?.split_whitespace();
        let row = words.next()?.to_owned();
        Some(Row { row, lane, instructions: words.next()?.parse().ok()? })
    };
    console.lines().filter_map(row).collect()
}

/// Whether the `done PASSED FAILED` line is missing or counts a failure.
pub(super) fn failed(console: &str) -> bool {
    let done = console.lines().find_map(|line| line.strip_prefix("done "));
    done.and_then(|counts| counts.split_whitespace().nth(1)) != Some("0")
}

pub(super) fn as_json(rows: &[Row]) -> Result<String> {
    let lines: std::result::Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(|error| trouble(error, "leave out --json"))?;
    Ok(format!("[\n  {}\n]\n", lines.join(",\n  ")))
}

pub(super) fn as_table(rows: &[Row], arch: Arch) -> String {
    let width = rows.iter().map(|row| row.row.len()).max().unwrap_or(0).max("operation".len());
    let mut text = format!("{:<width$}  {:>12}\n", "operation", "instructions");
    for Row { row, instructions, .. } in rows {
        text += &format!("{row:<width$}  {instructions:>12}\n");
    }
    text + "\n" + about(arch)
}

/// What the figures are.
const fn about(arch: Arch) -> &'static str {
    match arch {
        Arch::X86 => {
            "AMD SVM on QEMU TCG, which has no NRIPS, no decode assists and no clean bits: the hypervisor finds instruction lengths\n\
             itself here. Emulated instructions, the guest's own loop of 3 to 7 included; not cycles, not time.\n"
        }
        Arch::Arm => {
            "Arm EL2 on QEMU TCG, -cpu max with GICv3. Emulated instructions, the guest's own loop included; not cycles, not time.\n\
             boot: power-on to the guest's first instruction. linux-init: power-on to Linux's first process, on Phalanx and, as\n\
             linux-init-direct, without it on the same virtual board.\n"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "phalanx: x\nrow cpuid 137\ncheck a ok\nrow timer 200\ndone 2 0\n";

    #[test]
    fn rows_are_read_from_the_console() {
        let rows = of(CONSOLE, "svm");
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], Row { row: "cpuid".into(), lane: "svm", instructions: 137 });
        assert!(!failed(CONSOLE));
        assert!(failed("row cpuid 1\ndone 1 1\n") && failed("row cpuid 1\n"));
    }

    #[test]
    fn json_is_an_array_of_rows() {
        let json = as_json(&of(CONSOLE, "svm")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value[0], serde_json::json!({ "row": "cpuid", "lane": "svm", "instructions": 137 }));
    }

    #[test]
    fn the_table_says_what_the_figures_are() {
        let table = as_table(&of(CONSOLE, "svm"), Arch::X86);
        assert!(table.contains("cpuid               137\n"), "{table}");
        assert!(table.contains("NRIPS"));
        assert!(as_table(&of(CONSOLE, "el2"), Arch::Arm).contains("EL2"));
    }
}
