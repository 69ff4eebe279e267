//! Names of tests, `lane/what`, and the filters that choose among them.

/// The lanes in the order they run in.
pub(crate) const LANES: [&str; 8] = ["host", "sim", "unit", "svm", "svm-bochs", "vtx", "el2", "differential"];

/// Whether `name` is chosen: there is no filter, or one is a beginning of it or a word in it.
pub(crate) fn chosen(name: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|filter| name.starts_with(filter.as_str()) || has_word(name, filter))
}

/// The first filter that chooses none of `names`.
pub(crate) fn without_match<'f>(names: &[String], filters: &'f [String]) -> Option<&'f String> {
    filters.iter().find(|filter| !names.iter().any(|name| chosen(name, std::slice::from_ref(filter))))
}

/// Words are what stands between `/` and `-`; a filter may be several of them in a row.
fn has_word(name: &str, filter: &str) -> bool {
    let edge = |character: Option<char>| character.is_none_or(|character| matches!(character, '/' | '-'));
    name.match_indices(filter)
        .any(|(at, _)| edge(name[..at].chars().next_back()) && edge(name[at + filter.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(name: &str, filter: &str) -> bool {
        chosen(name, &[filter.to_owned()])
    }

    #[test]
    fn a_filter_is_a_beginning() {
        assert!(fits("svm/linux-cloud", "svm"));
        assert!(fits("svm/linux-cloud", "svm/linux-cl"));
        assert!(!fits("host/svm-model", "svm/"));
    }

    #[test]
    fn a_filter_is_a_word() {
        assert!(fits("svm/linux-cloud-2v", "cloud"));
        assert!(fits("svm/linux-cloud-2v", "linux-cloud"));
        assert!(!fits("svm/linux-cloud-2v", "clou"));
        assert!(!fits("svm/linux-cloud-2v", "oud"));
    }

    #[test]
    fn a_filter_without_a_match_is_found() {
        let names = ["host/abi".to_owned(), "svm/linux-cloud".to_owned()];
        let filters = ["cloud", "host/a", "clou"].map(str::to_owned);
        assert_eq!(without_match(&names, &filters), Some(&filters[2]));
        assert_eq!(without_match(&names, &filters[..2]), None);
        assert_eq!(without_match(&names, &[]), None);
    }

    #[test]
    fn any_filter_will_do_and_none_takes_all() {
        assert!(chosen("host/abi", &[]));
        assert!(chosen("host/abi", &["sim".into(), "abi".into()]));
        assert!(!chosen("host/abi", &["sim".into(), "svm".into()]));
    }
}
