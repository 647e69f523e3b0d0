//! Columns: the types of their cells, and the macro that makes a table of a list of columns.

/// Version of tables and documents; raised when a column or key changes its meaning or is removed.
pub const SCHEMA_VERSION: u32 = 3;

/// One column of values, ready for any table format.
#[derive(Debug, Clone)]
pub enum Values {
    Text(Vec<Option<String>>),
    Number(Vec<Option<f64>>),
    Count(Vec<Option<u32>>),
    Flag(Vec<Option<bool>>),
    Floats(Vec<Vec<f32>>),
    Counts(Vec<Vec<u32>>),
}

/// What a column means.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    /// `text`, `number`, `count`, `flag`, `floats` or `counts`.
    pub kind: &'static str,
    pub nullable: bool,
    pub unit: &'static str,
    pub meaning: &'static str,
}

/// A Rust type that fits a column.
pub trait Cell: Clone {
    const KIND: &'static str;
    const NULLABLE: bool = false;

    fn collect(cells: impl Iterator<Item = Self>) -> Values;

    /// The cells of a column that was read back; the error says what the column should hold.
    fn cells(column: Values) -> Result<Vec<Self>, String>;
}

macro_rules! cell {
    ($type:ty, $kind:literal, $variant:ident) => {
        impl Cell for $type {
            const KIND: &'static str = $kind;

            fn collect(cells: impl Iterator<Item = Self>) -> Values {
                Values::$variant(cells.map(Some).collect())
            }

            fn cells(column: Values) -> Result<Vec<Self>, String> {
                let cells = Option::<$type>::cells(column)?.into_iter();
                cells
                    .collect::<Option<_>>()
                    .ok_or_else(|| "has nulls, but should have none".to_owned())
            }
        }
        impl Cell for Option<$type> {
            const KIND: &'static str = $kind;
            const NULLABLE: bool = true;

            fn collect(cells: impl Iterator<Item = Self>) -> Values {
                Values::$variant(cells.collect())
            }

            fn cells(column: Values) -> Result<Vec<Self>, String> {
                match column {
                    Values::$variant(cells) => Ok(cells),
                    _ => Err(format!("should hold {}", $kind)),
                }
            }
        }
    };
}
cell!(String, "text", Text);
cell!(f64, "number", Number);
cell!(u32, "count", Count);
cell!(bool, "flag", Flag);

macro_rules! list {
    ($type:ty, $kind:literal, $variant:ident) => {
        impl Cell for Vec<$type> {
            const KIND: &'static str = $kind;

            fn collect(cells: impl Iterator<Item = Self>) -> Values {
                Values::$variant(cells.collect())
            }

            fn cells(column: Values) -> Result<Vec<Self>, String> {
                match column {
                    Values::$variant(cells) => Ok(cells),
                    _ => Err(format!("should hold {}", $kind)),
                }
            }
        }
    };
}
list!(f32, "floats", Floats);
list!(u32, "counts", Counts);

/// A table: named columns with meanings, and rows that are written to them and read from them.
pub trait Row: Sized {
    const TABLE: &'static str;
    const COLUMNS: &'static [Column];

    fn columns(rows: &[Self]) -> Vec<Values>;

    /// Rows from columns in the order of [`Row::COLUMNS`]; the error names the column.
    fn from_columns(columns: Vec<Values>) -> Result<Vec<Self>, String>;
}

macro_rules! table {
    ($(#[$doc:meta])* $row:ident, $table:literal, {
        $($name:ident: $type:ty, $unit:literal, $meaning:literal;)*
    }) => {
        $(#[$doc])*
        // Only tests may leave columns out: a forgotten column must not become null.
        #[cfg_attr(test, derive(Default))]
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $row {
            $(#[doc = $meaning] pub $name: $type,)*
        }

        impl $crate::tables::Row for $row {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [$crate::tables::Column] = &[$($crate::tables::Column {
                name: stringify!($name),
                kind: <$type as $crate::tables::Cell>::KIND,
                nullable: <$type as $crate::tables::Cell>::NULLABLE,
                unit: $unit,
                meaning: $meaning,
            },)*];

            fn columns(rows: &[Self]) -> Vec<$crate::tables::Values> {
                vec![$(
                    $crate::tables::Cell::collect(rows.iter().map(|row| row.$name.clone())),
                )*]
            }

            fn from_columns(columns: Vec<$crate::tables::Values>) -> Result<Vec<Self>, String> {
                let mut columns = columns.into_iter();
                $(
                    let column = columns
                        .next()
                        .ok_or_else(|| format!("{}: missing", stringify!($name)))?;
                    let mut $name = <$type as $crate::tables::Cell>::cells(column)
                        .map_err(|e| format!("{}: {e}", stringify!($name)))?
                        .into_iter();
                )*

                let mut rows = Vec::new();
                while let ($(Some($name),)*) = ($($name.next(),)*) {
                    rows.push(Self { $($name,)* });
                }
                Ok(rows)
            }
        }
    };
}

pub(super) use table;
