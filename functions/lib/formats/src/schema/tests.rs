use super::{RowSchema, SchemaError};
use crate::Table;
use crate::convert;
use crate::error::{DataError, Error};
use crate::testing::{InMemory, block_on, parquet_of, tight};
use dataset_types::dataset::Column;
use dataset_types::dialect::Dialect;
use dataset_types::schema::Violation;
use dataset_types::{FailureCode, Format};
use proptest::prelude::*;
use serde_json::{Value, json};

fn schema(schema: &Value) -> RowSchema {
    RowSchema::parse(&schema.to_string()).unwrap()
}

fn refused(schema: &Value) -> String {
    RowSchema::parse(&schema.to_string()).err().map_or_else(|| panic!("{schema} is taken"), |error| error.to_string())
}

/// What is found wrong with a file, with chunks of so many bytes.
fn check_with(chunk: usize, format: Format, file: &str, by: &RowSchema) -> Result<u64, DataError> {
    let file = file.as_bytes();
    match convert(format, &Dialect::default(), &mut || Ok(file), &mut vec![], &tight(chunk), Some(by)) {
        Ok(summary) => Ok(summary.rows),
        Err(Error::Data(error)) => Err(*error),
        Err(error) => panic!("{error}"),
    }
}

fn check(format: Format, file: &str, by: &Value) -> Result<u64, DataError> {
    check_with(64, format, file, &schema(by))
}

/// The violations of a file: row, line, column, keyword.
fn violations(format: Format, file: &str, by: &Value) -> Vec<(u64, u64, String, String)> {
    let Err(error) = check(format, file, by) else { return vec![] };
    assert_eq!(error.code, FailureCode::SchemaViolation, "{error}");
    let violations = error.violations.unwrap();
    let found: Vec<_> = violations
        .first
        .iter()
        .map(|v| {
            let column = match &v.column {
                Some(Column::Name(name)) => name.clone(),
                other => format!("{other:?}"),
            };
            (v.row.unwrap_or_default(), v.line.unwrap_or_default(), column, v.keyword.clone())
        })
        .collect();
    assert_eq!(violations.count, found.len() as u64);
    assert_eq!((error.row.unwrap_or_default(), error.line.unwrap_or_default()), (found[0].0, found[0].1));
    found
}

fn v(row: u64, line: u64, column: &str, keyword: &str) -> (u64, u64, String, String) {
    (row, line, column.to_owned(), keyword.to_owned())
}

#[test]
fn a_violation_has_its_row_its_line_and_its_column() {
    let by =
        json!({ "properties": { "score": { "type": "integer", "minimum": 0 }, "label": { "enum": ["good", "bad"] } } });
    let file = "id,score,label\n1,5,good\n2,\"x\",bad\n\n3,-1,\"worse\n\"\n4,,\n";
    let found = violations(Format::Csv, file, &by);
    let expected = [v(2, 3, "score", "type"), v(3, 5, "score", "minimum"), v(3, 5, "label", "enum")];
    assert_eq!(found, expected);
    let file = r#"[{"score": 5, "label": "good"},
        {"score": "x",
         "label": "bad"}, {"score": -1, "label":
         "worse"}, {}]"#;
    let found = violations(Format::Json, file, &by);
    assert_eq!(found, [v(2, 2, "score", "type"), v(3, 3, "score", "minimum"), v(3, 4, "label", "enum")]);
}

#[test]
fn a_violation_says_what_was_expected_and_never_the_cell() {
    let by = json!({ "properties": {
        "a": { "type": "integer" }, "b": { "maxLength": 2 }, "c": { "properties": { "n": {} }, "type": "object", "additionalProperties": false },
        "d": { "pattern": "^x" }, "e": { "type": ["number", "null"] }, "f": { "format": "date" },
    } });
    let file = "a,b,c,d,e,f\nsecret,secret,\"{\"\"secret\"\": 1}\",secret,secret,secret\n";
    let error = check(Format::Csv, file, &by).unwrap_err();
    let told: Vec<_> = told_of(&error).iter().map(|v| (v.message.as_str(), v.schema_path.as_str())).collect();
    assert_eq!(
        told,
        [
            ("expected an integer, found text", "/properties/a/type"),
            ("expected 2 characters at most", "/properties/b/maxLength"),
            ("expected no other properties than the schema has", "/properties/c/additionalProperties"),
            ("expected text that fits the pattern ^x", "/properties/d/pattern"),
            ("expected null or a number, found text", "/properties/e/type"),
            ("expected text of the format date", "/properties/f/format"),
        ]
    );
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    assert_eq!(
        error.message,
        "expected rows that fulfil the schema, found 6 violations of it, first: expected an integer, found text; mend the file, or change the schema"
    );
}

#[test]
fn a_cell_is_what_the_schema_says_it_is() {
    let types = |types: Value| json!({ "properties": { "x": { "type": types } }, "required": ["x"] });
    let is = |of: Value, cell: &str| check(Format::Csv, &format!("x,y\n{cell},\n"), &types(of)).is_ok();
    for integer in ["0", "-0", "7", "-12", "1.0", "1e2", "18446744073709551615", "123456789012345678901234567890"] {
        assert!(is(json!("integer"), integer), "{integer}");
    }
    for other in ["", "007", "+1", "1_0", " 1", "1 ", "0x1", "1.5", "one", "-", "NaN", "1e400"] {
        assert!(!is(json!("integer"), other), "{other}");
    }
    assert!(is(json!("number"), "1.5e-7") && !is(json!("number"), ".5"));
    assert!(["true", "True", "TRUE", "false"].iter().all(|cell| is(json!("boolean"), cell)));
    assert!(["yes", "1", "tRUE", ""].iter().all(|cell| !is(json!("boolean"), cell)));
    assert!(is(json!("array"), "\"[1, {}]\"") && !is(json!("array"), "{}") && !is(json!("array"), "[1"));
    assert!(is(json!("object"), "{}") && is(json!(["object", "null"]), ""));
    assert!(["1", "true", "{}", "", "é"].iter().all(|cell| is(json!("string"), cell)));
    // What could be a number is text where only that is right.
    assert!(violations(Format::Csv, "x,y\n5,\n", &json!({ "properties": { "x": { "enum": ["5", 6] } } })).is_empty());
}

#[test]
fn an_empty_cell_is_absent_unless_text_may_be_empty() {
    let with = |x: Value, required: &[&str]| json!({ "properties": { "x": x }, "required": required });
    let found = |by: &Value| violations(Format::Csv, "x,y\n,1\n", by);
    assert_eq!(found(&with(json!({ "type": "integer" }), &[])), []);
    assert_eq!(found(&with(json!({ "type": "integer" }), &["x"])), [v(1, 2, "x", "required")]);
    assert_eq!(found(&with(json!({ "type": "string" }), &["x"])), []);
    assert_eq!(found(&with(json!({ "type": "string", "minLength": 1 }), &[])), []);
    assert_eq!(found(&with(json!({ "type": "string", "minLength": 1 }), &["x"])), [v(1, 2, "x", "required")]);
    assert_eq!(found(&with(json!({ "type": ["integer", "null"] }), &["x"])), []);
}

/// Wherever a schema speaks of a property, its cells are read so that they may fulfil it.
#[test]
fn cells_are_read_by_all_that_is_said_of_them() {
    let in_branches =
        |branches: [Value; 2]| json!({ "oneOf": branches.map(|properties| json!({ "properties": properties })) });
    let union = in_branches([
        json!({ "t": { "const": "n" }, "v": { "type": "number" } }),
        json!({ "t": { "const": "b" }, "v": { "type": "boolean" } }),
    ]);
    let by_kind = json!({
        "properties": { "t": { "type": "string" } },
        "if": { "properties": { "t": { "const": "n" } } },
        "then": { "properties": { "v": { "type": "number" } } },
        "else": { "properties": { "v": { "type": "boolean" } } },
    });
    let row = |of: Value| json!({ "$defs": { "r": of }, "$ref": "#/$defs/r" });
    for (by, good, bad) in [
        (json!({ "additionalProperties": { "type": "integer" } }), "a,b\n1,\n", "a,b\n1,x\n"),
        (
            json!({ "patternProperties": { "^n_": { "type": "number" } }, "properties": { "id": {} } }),
            "id,n_a\nx,2.5\n",
            "id,n_a\nx,y\n",
        ),
        (
            json!({ "if": { "properties": { "k": { "const": 1 } } }, "then": { "properties": { "w": { "const": "a" } } } }),
            "k,w\n1,a\n2,x\n",
            "k,w\n1,x\n",
        ),
        (union, "t,v\nn,1\nb,true\n", "t,v\nn,true\n"),
        (by_kind, "t,v\nn,1\nb,true\n", "t,v\nb,1\n"),
        (
            json!({ "dependentSchemas": { "a": { "properties": { "b": { "type": "integer" } } } } }),
            "a,b\n1,2\n",
            "a,b\n1,x\n",
        ),
        (row(json!({ "properties": { "a": { "const": "z" } } })), "a,b\n,x\nz,x\n", "a,b\ny,x\n"),
        (json!({ "allOf": [{ "properties": { "a": { "minLength": 3 } } }] }), "a,b\n,x\nabc,x\n", "a,b\nab,x\n"),
        (json!({ "properties": { "k": { "minimum": 5 } } }), "k,l\n9,1\nx,1\n,1\n", "k,l\n1,1\n"),
        (
            json!({ "properties": { "k": { "if": { "type": "integer" }, "then": { "minimum": 5 } } } }),
            "k,l\n9,1\n",
            "k,l\n1,1\n",
        ),
        (json!({ "allOf": [{ "properties": { "k": { "enum": ["5", 6] } } }] }), "k,l\n5,1\n6,1\n", "k,l\n7,1\n"),
        (
            json!({ "allOf": [{ "properties": { "k": { "type": ["string", "number"], "maximum": 5 }, "l": { "minLength": 2 } } }] }),
            "k,l\n4,ab\nx,\n",
            "k,l\n4,a\n",
        ),
    ] {
        assert_eq!(check(Format::Csv, good, &by), Ok(good.lines().count() as u64 - 1), "{by}");
        assert!(!violations(Format::Csv, bad, &by).is_empty(), "{by}");
    }
}

#[test]
fn a_missing_column_is_one_violation() {
    let by = json!({ "properties": { "x": {} }, "required": ["x", "y"], "additionalProperties": false });
    let expected = [v(0, 2, "y", "required"), v(0, 2, "z", "additionalProperties")];
    assert_eq!(violations(Format::Csv, "\nx,z\n1,2\n3,4\n", &by), expected);
    // Not all objects must have the same keys.
    let found = violations(Format::Json, "[{\"x\": 1},\n{\"y\": 1, \"x\": 2},\n{\"x\": 1, \"y\": 2, \"z\": 3}]", &by);
    let expected =
        [v(1, 1, "y", "required"), v(2, 2, "y", "additionalProperties"), v(3, 3, "y", "additionalProperties")];
    assert_eq!(
        found,
        [
            expected[0].clone(),
            v(2, 2, "y", "additionalProperties"),
            v(3, 3, "y", "additionalProperties"),
            v(3, 3, "z", "additionalProperties")
        ]
    );
}

#[test]
fn rows_are_asked_as_a_whole_where_the_schema_asks_that() {
    let by = json!({
        "properties": { "kind": { "type": "string" }, "n": { "type": "integer" } },
        "if": { "properties": { "kind": { "const": "number" } } },
        "then": { "required": ["n"] },
    });
    assert_eq!(violations(Format::Csv, "kind,n\nnumber,1\ntext,\nnumber,\n", &by), [v(3, 4, "n", "required")]);
    let file = "{\"kind\": \"number\"}\n{\"kind\": \"number\", \"n\": 1}\n{\"kind\": \"text\"}\n";
    assert_eq!(violations(Format::Json, file, &by), [v(1, 1, "n", "required")]);
    // By way of a reference, as it is written for types of programs.
    let by = json!({ "$ref": "#/$defs/Row", "$defs": { "Row": { "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] } } });
    assert_eq!(violations(Format::Csv, "n,m\n1,\nx,\n,\n", &by), [v(2, 3, "n", "type"), v(3, 4, "n", "required")]);
}

#[test]
fn no_two_rows_have_the_same_where_they_must_be_unique() {
    let by = json!({ "x-unique": ["a", "b"] });
    let file = "a,b,c\n1,x,1\n1,y,2\n2,x,3\n\n1,\"x\",4\n,x,5\n,x,6\n2,x,7\n";
    let error = check(Format::Csv, file, &by).unwrap_err();
    assert_eq!(told_of(&error)[0].message, "expected another \"a\" and \"b\" in each row, found that of row 1 again");
    assert_eq!(violations(Format::Csv, file, &by), [v(4, 6, "a", "x-unique"), v(7, 9, "a", "x-unique")]);
    assert_eq!(violations(Format::Csv, "a,c\n1,2\n1,2\n", &by), [v(0, 1, "b", "x-unique")]);
    let file = r#"[{"a": 1, "b": "x"},
        {"a": "1", "b": "x"}, {"b": "x"}, {"b": "x", "a": null}, {"b": "x", "a": null},
        {"b": "\u0078", "\u0061": 1.0},
        {"a": [1, {"x": 1, "y": 2}], "b": 2}, {"b": 2, "a": [1.0, {"y": 2, "x": 1}]}, {"a": "", "b": 1}, {"a": "", "b": 1}]"#;
    assert_eq!(violations(Format::Json, file, &by), [v(6, 3, "a", "x-unique"), v(8, 4, "a", "x-unique")]);
    // Beside what else is wrong, in the order of the rows.
    let by = json!({ "x-unique": ["a"], "properties": { "a": { "type": "integer" } } });
    let found = violations(Format::Csv, "a\n1\n1\nx\nx\n", &by);
    assert_eq!(found, [v(2, 3, "a", "x-unique"), v(3, 4, "a", "type"), v(4, 5, "a", "type"), v(4, 5, "a", "x-unique")]);
}

#[test]
fn the_first_hundred_are_told_and_all_are_counted() {
    let rows: String = (0..1_000).map(|n| if n % 2 == 0 { "1,x\n" } else { "x,x\n" }).collect();
    let by = json!({ "properties": { "a": { "type": "integer" }, "b": { "minLength": 2 } } });
    for by in [by.clone(), json!({ "allOf": [by] })] {
        let error = check(Format::Csv, &format!("a,b\n{rows}"), &by).unwrap_err();
        let violations = error.violations.unwrap();
        assert_eq!((violations.first.len(), violations.count), (100, 1_500));
        let rows: Vec<_> = violations.first.iter().map(|v| v.row.unwrap()).collect();
        assert!(rows.is_sorted());
        assert_eq!(rows.last(), Some(&67));
    }
}

#[test]
fn what_is_no_schema_of_a_row_says_where() {
    for (schema, expected) in [
        (
            json!({ "properties": { "a": { "type": "int" } } }),
            "the schema at /properties/a/type: expected null, boolean, ",
        ),
        (
            json!({ "properties": { "a": { "minimum": "1" } } }),
            "the schema at /properties/a/minimum: expected a number, found text",
        ),
        (
            json!({ "properties": { "a": { "$ref": "#/$defs/b" } } }),
            "the schema: refers to what is not in it; nothing is fetched: Pointer '/$defs/b' does not exist",
        ),
        (
            json!({ "properties": { "a": { "$ref": "https://example.com/schema" } } }),
            "the schema: refers to what is not in it; nothing is fetched: Resource 'https://example.com/schema'",
        ),
        (
            json!({ "properties": { "a": { "pattern": "(" } } }),
            "the schema at /properties/a/pattern: expected a regular",
        ),
        (
            json!({ "properties": { "a": { "pattern": "(?=a)" } } }),
            "the schema at /properties/a/pattern: expected a regular",
        ),
        (
            json!({ "properties": { "a": { "pattern": "(\\p{L}{100}){100}" } } }),
            "the schema at /properties/a/pattern: expected a regular",
        ),
        (json!({ "$schema": "http://json-schema.org/draft-07/schema#" }), "the schema at /$schema: must be"),
        (json!({ "type": "array" }), "the schema at /type: must be object"),
        (bomb(20), "the schema: is more than 100000 schemas"),
        (chain(1_400), "the schema: is more than 100000 schemas"),
        (json!({ "x-unique": "a" }), "the schema at /x-unique: must be an array of 1 to 16 names"),
        (json!({ "x-unique": ["a", "a"] }), "the schema at /x-unique: must be an array of 1 to 16 names"),
        (json!(true), "the schema: must be an object"),
        (json!({ "description": "x".repeat(70_000) }), "the schema: has 70018 bytes, 65536 at most"),
    ] {
        let message = refused(&schema);
        assert!(message.starts_with(expected), "{schema}: {message}");
    }
    let broken: Option<SchemaError> = RowSchema::parse("{").err();
    assert!(broken.unwrap().to_string().starts_with("the schema: is not valid JSON"));
    schema(&json!({ "$ref": "https://json-schema.org/draft/2020-12/schema" }));
}

/// Definitions that each name the one before twice.
fn bomb(definitions: usize) -> Value {
    let twice = |n: usize| json!({ "allOf": [{ "$ref": format!("#/$defs/{n}") }, { "$ref": format!("#/$defs/{n}") }] });
    let all: serde_json::Map<String, Value> = [("0".to_owned(), json!({ "type": "string" }))]
        .into_iter()
        .chain((1..=definitions).map(|n| (n.to_string(), twice(n - 1))))
        .collect();
    json!({ "$defs": all, "properties": { "x": { "$ref": format!("#/$defs/{definitions}") } } })
}

/// Definitions that each name the one before.
fn chain(definitions: usize) -> Value {
    let next = |n: usize| (n.to_string(), json!({ "not": { "not": { "$ref": format!("#/$defs/{}", n - 1) } } }));
    let all: serde_json::Map<String, Value> =
        [("0".to_owned(), json!({}))].into_iter().chain((1..definitions).map(next)).collect();
    json!({ "$defs": all, "$ref": format!("#/$defs/{}", definitions - 1) })
}

#[test]
fn schemas_may_refer_to_others_and_to_themselves() {
    schema(&bomb(10));
    schema(&chain(100));
    let tree = json!({ "properties": { "t": { "$ref": "#/$defs/tree" } }, "$defs": { "tree": {
        "type": "object", "properties": { "children": { "type": "array", "items": { "$ref": "#/$defs/tree" } } } } } });
    let file = r#"[{"t": {"children": [{"children": []}]}}, {"t": {"children": [{"children": 1}]}}]"#;
    let found = check(Format::Json, file, &tree).unwrap_err();
    assert_eq!(
        told_of(&found)[0].schema_path,
        "/properties/t/$ref/properties/children/items/$ref/properties/children/type"
    );
}

#[test]
fn a_number_that_no_double_holds_fulfils_nothing() {
    let by = json!({ "properties": { "n": { "type": "number" } } });
    assert_eq!(violations(Format::Json, "[{\"n\": 1e400}]", &by), [v(1, 1, "n", "type")]);
    assert_eq!(violations(Format::Json, "[{\"m\": 1e400, \"n\": 1}]", &by), []);
    assert_eq!(violations(Format::Json, "[{\"n\": 1e400}]", &json!({ "not": { "required": ["m"] } })).len(), 1);
}

fn told_of(error: &DataError) -> &[Violation] {
    error.violations.as_ref().map_or(&[], |violations| &violations.first)
}

/// In the order of rows and columns.
fn sorted(violations: &[Violation]) -> Vec<String> {
    let mut violations: Vec<_> = violations.iter().map(|violation| format!("{violation:?}")).collect();
    violations.sort_unstable();
    violations
}

fn arb_property() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({ "type": "integer" })),
        Just(json!({ "type": "number", "minimum": 1 })),
        Just(json!({ "type": ["boolean", "null"] })),
        Just(json!({ "type": "string", "maxLength": 1 })),
        Just(json!({ "enum": ["", 1, true, null] })),
        Just(json!({ "type": "array", "items": { "type": "integer" } })),
        Just(json!({ "$ref": "#/properties/b" })),
        Just(json!({ "anyOf": [{ "type": "integer" }, { "type": "string", "pattern": "^t" }] })),
        Just(json!({})),
    ]
}

fn arb_value() -> impl Strategy<Value = Value> {
    let values = [
        json!(null),
        json!(0),
        json!(1),
        json!(-7),
        json!(1.5),
        json!(true),
        json!(""),
        json!("t"),
        json!("te\"\n"),
        json!([1]),
        json!(["x"]),
        json!({ "a": 1 }),
    ];
    prop::sample::select(values.to_vec())
}

proptest! {
    /// What is found a column at a time is what the schema says of each row.
    #[test]
    fn rows_that_are_taken_apart_are_judged_as_a_whole(
        properties in [arb_property(), arb_property()],
        required in prop::sample::subsequence(vec!["a", "b", "c"], 0..=2),
        is_closed in any::<bool>(),
        rows in prop::collection::vec(prop::collection::vec((prop::sample::select(vec!["a", "b", "c"]), arb_value()), 0..4), 1..8),
        chunk in 1_usize..40,
    ) {
        let [a, b] = properties;
        // A property that refers to itself says nothing, and is refused.
        let b = if b.get("$ref").is_some() { json!({ "type": "integer" }) } else { b };
        let by = json!({ "properties": { "a": a, "b": b }, "required": required, "additionalProperties": !is_closed });
        let apart = schema(&by);
        let whole = schema(&json!({ "allOf": [true], "properties": by["properties"], "required": by["required"], "additionalProperties": by["additionalProperties"] }));
        prop_assert!(apart.is_of_properties && !whole.is_of_properties);
        let mut objects: Vec<Value> = rows.into_iter().map(|row| row.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()).collect();
        objects.push(json!({ "a": 1 }));
        let file = Value::from(objects.clone()).to_string();
        let expected = objects.iter().filter(|object| !apart.is_fulfilled_by(object)).count();
        for schema in [&apart, &whole] {
            let found = check_with(chunk, Format::Json, &file, schema);
            let mut rows: Vec<_> = found.err().iter().flat_map(|error| told_of(error).iter().map(|v| v.row)).collect();
            rows.dedup();
            prop_assert_eq!(rows.len(), expected);
        }
        let cell = |object: &Value, name: &str| match object.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => format!("\"{}\"", text.replace('"', "\"\"")),
            Some(value) => format!("\"{}\"", value.to_string().replace('"', "\"\"")),
        };
        let lines: String = objects.iter().map(|o| format!("{},{},\n", cell(o, "a"), cell(o, "b"))).collect();
        let file = format!("a,b,z\n{lines}");
        let open = |schema: &Value| {
            let mut schema = schema.clone();
            schema["additionalProperties"] = true.into();
            schema
        };
        let [apart, whole] = [open(&by), { let mut s = open(&by); s["allOf"] = json!([true]); s }].map(|by| {
            let found = check_with(chunk, Format::Csv, &file, &schema(&by));
            found.err().map(|error| sorted(told_of(&error)))
        });
        prop_assert_eq!(apart, whole);
    }

    /// What is proposed of a file is fulfilled by it.
    #[test]
    fn a_version_fulfils_what_is_proposed_of_it(
        rows in prop::collection::vec(prop::collection::vec((prop::sample::select(vec!["a", "b", "c"]), arb_cell()), 1..4), 1..30),
    ) {
        let objects: Vec<Value> = rows.into_iter().map(|row| row.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()).collect();
        let json = Value::from(objects.clone()).to_string().replace("\"huge\"", "1e400");
        let lines = objects.iter().map(|object| {
            let cells = ["a", "b", "c"].map(|name| match object.get(name) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => format!("\"{}\"", text.replace('"', "\"\"")),
                Some(value) => format!("\"{}\"", value.to_string().replace('"', "\"\"")),
            });
            cells.join(",") + "\n"
        });
        let csv = format!("a,b,c\n{}", lines.collect::<String>());
        for (format, file) in [(Format::Json, json), (Format::Csv, csv)] {
            let by = proposed(format, &file);
            prop_assert!(check_with(30, format, &file, &RowSchema::parse(&by).unwrap()).is_ok(), "{by} of {file}");
        }
    }
}

fn proposed(format: Format, file: &str) -> String {
    let stored = parquet_of(format, file.as_bytes(), &tight(50)).unwrap();
    let table = block_on(Table::open(InMemory::new(stored))).unwrap();
    block_on(table.proposed_schema()).unwrap()
}

fn arb_cell() -> impl Strategy<Value = Value> {
    let others = [
        json!("huge"),
        json!("007"),
        json!("-0"),
        json!("2026-01-31"),
        json!("a@example.com"),
        json!("True"),
        json!(u64::MAX),
    ];
    prop_oneof![arb_value(), prop::sample::select(others.to_vec())]
}

#[test]
fn what_is_proposed_is_never_too_large() {
    let names: Vec<String> = (0..4_000).map(|n| format!("column {n}")).collect();
    let by = proposed(Format::Csv, &format!("{}\n{}\n", names.join(","), "some text".to_owned() + &",x".repeat(3_999)));
    let schema = RowSchema::parse(&by).unwrap();
    assert!(schema.properties.len() > 100 && schema.properties.len() < 4_000);
}

#[test]
fn a_schema_is_proposed_by_what_a_version_has() {
    let row = |n: usize| {
        let word = ["good", "bad"][n % 2];
        format!(
            "{n},{}.5,{word},2026-01-{:02},{},\"{{\"\"a\"\": 1}}\"\n",
            n % 7,
            n % 28 + 1,
            if n == 3 { "" } else { "some text" }
        )
    };
    let csv = format!(
        "id,score,label,day,note,more\n{}",
        (1..=40).map(row).collect::<String>().replace("some text", "x y").replacen("x y", "a longer note", 1)
    );
    let expected = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "id": { "type": "integer" },
            "score": { "type": "number" },
            "label": { "enum": ["bad", "good"] },
            "day": { "type": "string", "format": "date" },
            "note": { "enum": ["a longer note", "x y"] },
            "more": { "type": "object" },
        },
        "required": ["id", "score", "label", "day", "more"],
    });
    let found = proposed(Format::Csv, &csv);
    assert_eq!(serde_json::from_str::<Value>(&found).unwrap(), expected);
    assert!(found.find("\"id\"") < found.find("\"day\""), "the columns stand in their order: {found}");
    let json = r#"[{"n": 1, "t": "x", "d": 1.5, "b": true, "o": {"k": 1}}, {"n": null, "t": "long", "d": 2, "b": false, "o": [1]}]"#;
    let expected = json!({
        "n": { "type": ["integer", "null"] },
        "t": { "type": "string", "minLength": 1, "maxLength": 8 },
        "d": { "type": "number" },
        "b": { "type": "boolean" },
        "o": { "type": ["array", "object"] },
    });
    let found: Value = serde_json::from_str(&proposed(Format::Json, json)).unwrap();
    assert_eq!((&found["properties"], &found["required"]), (&expected, &json!(["t", "d", "b", "o"])));
}
