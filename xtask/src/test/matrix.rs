//! One scenario file, many scenarios: `[matrix]` lists values, `${KEY}` stands for one of them. Of several `[[matrix]]` each
//! adds its own combinations.

use toml::{Table, Value};

/// All combinations of the matrix's values and the values that are `given`, filled into the rest of `table`; `stem` is the
/// name where none is written.
pub(crate) fn expand(mut table: Table, stem: &str, given: &Table) -> Vec<Table> {
    let matrices = match table.remove("matrix") {
        Some(Value::Table(matrix)) => vec![matrix],
        Some(Value::Array(several)) => several
            .into_iter()
            .filter_map(|one| if let Value::Table(matrix) = one { Some(matrix) } else { None })
            .collect(),
        _ => vec![Table::new()],
    };
    table.entry("name").or_insert_with(|| Value::String(stem.to_owned()));
    let choices = matrices.iter().flat_map(combinations);
    choices.map(|choice| fill_table(&fill_table(&table, &choice), given)).collect()
}

fn combinations(matrix: &Table) -> Vec<Table> {
    let mut all = vec![Table::new()];
    for (key, values) in matrix {
        let values = values.as_array().cloned().unwrap_or_else(|| vec![values.clone()]);
        let with = |choice: &Table, value: &Value| {
            let mut choice = choice.clone();
            choice.insert(key.clone(), value.clone());
            choice
        };
        all =
            all.iter().flat_map(|choice| values.iter().map(|value| with(choice, value)).collect::<Vec<_>>()).collect();
    }
    all
}

fn fill_table(table: &Table, choice: &Table) -> Table {
    table.iter().map(|(key, value)| (key.clone(), fill(value, choice))).collect()
}

fn fill(value: &Value, choice: &Table) -> Value {
    match value {
        Value::String(text) => fill_text(text, choice),
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, choice)).collect()),
        Value::Table(table) => Value::Table(fill_table(table, choice)),
        other => other.clone(),
    }
}

/// A text that is nothing but `${KEY}` becomes the value with its type, so that numbers stay numbers.
fn fill_text(text: &str, choice: &Table) -> Value {
    for (key, value) in choice {
        if text == format!("${{{key}}}") {
            return value.clone();
        }
    }
    let filled = choice.iter().fold(text.to_owned(), |text, (key, value)| {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.replace(&format!("${{{key}}}"), &plain)
    });
    Value::String(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Vec<Table> {
        expand(toml::from_str(text).unwrap(), "stem", &Table::new())
    }

    #[test]
    fn several_matrices_add_up() {
        let tables = expanded("name = '${a}-${b}'\n[[matrix]]\na = [1, 2]\nb = 1\n[[matrix]]\na = 8\nb = 4\n");
        let names: Vec<&str> = tables.iter().map(|table| table["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["1-1", "2-1", "8-4"]);
    }

    #[test]
    fn given_values_are_filled_in_last() {
        let table = toml::from_str("cmdline = 'console=${console}'").unwrap();
        let given = toml::from_str("console = 'ttyAMA0'").unwrap();
        assert_eq!(expand(table, "s", &given)[0]["cmdline"].as_str(), Some("console=ttyAMA0"));
    }

    #[test]
    fn every_combination_once() {
        let tables = expanded("name = 'a-${k}-${n}'\n[machine]\ncpus = '${n}'\n[matrix]\nk = ['x', 'y']\nn = [1, 2]\n");
        let names: Vec<&str> = tables.iter().map(|table| table["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["a-x-1", "a-x-2", "a-y-1", "a-y-2"]);
        assert_eq!(tables[1]["machine"]["cpus"].as_integer(), Some(2), "a number stays one");
        assert!(!tables[0].contains_key("matrix"));
    }

    #[test]
    fn without_a_matrix_there_is_one() {
        let tables = expanded("x = [ { y = 'a ${b}' } ]");
        assert_eq!(tables.len(), 1);
        assert_eq!(tables[0]["name"].as_str(), Some("stem"));
        assert_eq!(tables[0]["x"][0]["y"].as_str(), Some("a ${b}"), "an unknown key is left as it is");
    }
}
