fn main() -> std::process::ExitCode {
    camaudit::cli::main()
}
