//! The columns of the installer's table, by their English and Japanese names, in any order.

use super::table::Mistake;
use csv::StringRecord;
use std::collections::HashMap;

/// Which column stands where.
pub(super) struct Columns {
    places: HashMap<&'static str, usize>,
    names: Vec<String>,
}

impl Columns {
    pub(super) fn of(header: &StringRecord) -> Result<Self, Vec<Mistake>> {
        let (mut places, mut mistakes) = (HashMap::new(), Vec::new());
        for (place, name) in header.iter().enumerate() {
            let known = COLUMNS.iter().find(|column| column.is(name));
            let what = match known {
                Some(column) if places.insert(column.name, place).is_some() => "stands twice",
                Some(_) => continue,
                None if name.is_empty() && place + 1 == header.len() => continue,
                None => "is no column of this table",
            };
            let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
            let what = format!("{what}; there are {}", names.join(", "));
            mistakes.push(Mistake { line: 1, column: format!("column {}", place + 1), value: name.into(), what });
        }
        for column in COLUMNS.iter().filter(|column| column.required && !places.contains_key(column.name)) {
            let what = format!("this column is missing ({})", column.japanese);
            mistakes.push(Mistake { line: 1, column: column.name.into(), value: String::new(), what });
        }
        let names = header.iter().map(str::to_owned).collect();
        if mistakes.is_empty() { Ok(Self { places, names }) } else { Err(mistakes) }
    }

    /// As the table calls it.
    pub(super) fn as_written<'c>(&'c self, column: &'c str) -> &'c str {
        self.places.get(column).and_then(|place| self.names.get(*place)).map_or(column, String::as_str)
    }

    /// A line's field in this column; empty where the table has no such column.
    pub(super) fn field<'r>(&self, record: &'r StringRecord, column: &str) -> &'r str {
        self.places.get(column).and_then(|place| record.get(*place)).unwrap_or_default()
    }
}

/// A column as it may be called.
struct Column {
    name: &'static str,
    japanese: &'static str,
    required: bool,
}

impl Column {
    fn is(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.name) || name == self.japanese
    }
}

const fn column(name: &'static str, japanese: &'static str, required: bool) -> Column {
    Column { name, japanese, required }
}

/// Every column, by its English and its Japanese name.
const COLUMNS: [Column; 15] = [
    column("pair", "組", true),
    column("room_a", "部屋A", true),
    column("room_b", "部屋B", true),
    column("address_a", "アドレスA", true),
    column("address_b", "アドレスB", true),
    column("gateway_a", "ゲートウェイA", false),
    column("gateway_b", "ゲートウェイB", false),
    column("mac_a", "MACアドレスA", false),
    column("mac_b", "MACアドレスB", false),
    column("dials", "接続元", false),
    column("ceiling_kbps", "帯域上限kbps", false),
    column("language", "言語", false),
    column("hours", "開庁時間", false),
    column("pin", "暗証番号", false),
    column("printer", "プリンター", false),
];
