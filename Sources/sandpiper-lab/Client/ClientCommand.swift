import ArgumentParser

/// `sandpiper-lab client`
struct ClientCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "client",
    abstract: "Drive one MQTT client by commands on standard input.",
    discussion: """
      A line protocol for scripts and test suites: one command a line on standard input, replies \
      ("ok", "err") and events ("ev") a line each on standard output. "help" lists the commands. \
      Ends with 0 at the end of input, at "quit" and at SIGTERM.
      """)

  func run() throws {
    let driver = try Driver()
    let code = driver.run()
    if code != 0 { throw ExitCode(code) }
  }
}
