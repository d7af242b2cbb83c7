import Profile

/// The service's drop-in, where there is one, against what the profile needs.
enum UnitExamination {
  static func perform(_ configuration: Configuration, profile: Words, _ report: inout Report) {
    let path = UnitDropIn.path
    guard SystemText.isThere(path) else { return }
    let wanted = UnitDropIn(configuration, profile: profile)
    let found = SystemText.lines(of: path).filter { !$0.isEmpty && $0.first != UInt8(ascii: "#") }
    guard found != wanted.settings else {
      return report.fine(.service, "\(path) is as this profile needs it")
    }
    report.add(
      Finding(
        level: .worthKnowing, area: .service,
        text: "\(path) was made for another profile, or cannot be read",
        fix: """
          sandpiper plan --drop-in \(profile) | sudo tee \(path); sudo systemctl daemon-reload; \
          sudo systemctl restart sandpiper
          """))
  }
}
