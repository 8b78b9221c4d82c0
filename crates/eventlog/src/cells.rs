//! Reading single values out of an answer, by column name; an absent column reads as null.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::arrow::error::ArrowError;
use jiff::civil::Date;
use jiff::{Span, Timestamp};

/// One batch with its columns in the few types that are read.
pub(crate) struct Cells {
    columns: Vec<(String, ArrayRef)>,
    rows: usize,
}

impl Cells {
    /// Plans may choose other types for the same values (views, dictionaries); they are cast back here.
    pub(crate) fn new(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let wanted = match field.data_type() {
                DataType::Date32 => DataType::Date32,
                DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, None),
                number if number.is_numeric() => DataType::Int64,
                _ => DataType::Utf8View,
            };
            columns.push((field.name().clone(), cast(column, &wanted)?));
        }
        Ok(Self { columns, rows: batch.num_rows() })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn text(&self, name: &str, row: usize) -> Option<String> {
        let column = self.present(name, row)?;
        column.as_string_view_opt().map(|column| column.value(row).to_owned())
    }

    pub(crate) fn number(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.present(name, row)?;
        column.as_primitive_opt::<Int64Type>().map(|column| column.value(row))
    }

    /// A number that cannot be negative.
    pub(crate) fn count(&self, name: &str, row: usize) -> Option<u64> {
        self.number(name, row).and_then(|number| u64::try_from(number).ok())
    }

    pub(crate) fn time_us(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.present(name, row)?;
        column.as_primitive_opt::<TimestampMicrosecondType>().map(|column| column.value(row))
    }

    pub(crate) fn time(&self, name: &str, row: usize) -> Option<Timestamp> {
        self.time_us(name, row).and_then(|at_us| Timestamp::from_microsecond(at_us).ok())
    }

    pub(crate) fn date(&self, name: &str, row: usize) -> Option<Date> {
        let column = self.present(name, row)?;
        let days = column.as_primitive_opt::<Date32Type>()?.value(row);
        Date::constant(1970, 1, 1).checked_add(Span::new().try_days(days).ok()?).ok()
    }

    fn present(&self, name: &str, row: usize) -> Option<&ArrayRef> {
        let (_, column) = self.columns.iter().find(|(known, _)| known == name)?;
        (row < column.len() && !column.is_null(row)).then_some(column)
    }
}
