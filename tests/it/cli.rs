//! The command line, case by case, as files in tests/cmd.

#[test]
fn command_line_cases() {
    trycmd::TestCases::new()
        .case("tests/cmd/*.md")
        .default_bin_path(trycmd::cargo::cargo_bin!("camaudit"));
}
