import Core
import MQTT

/// What a configuration has to be.
extension ConnectionPlan {
  static func check(_ configuration: ClientConfiguration) throws(ConfigurationError) {
    try checkIdentity(configuration)
    try checkTimes(configuration)
    try check(configuration.limits)
    try configuration.journal?.check()
    if let will = configuration.will {
      try check(topic: will.topic, "will.topic")
      guard will.payload.count <= 65_535 else {
        throw .setting("will.payload", expected: "at most 65,535 bytes")
      }
    }
    if let birth = configuration.birth { try check(topic: birth.topic, "birth.topic") }
  }

  private static func checkIdentity(
    _ configuration: ClientConfiguration
  ) throws(ConfigurationError) {
    try check(text: configuration.clientID, "clientID")
    guard !configuration.clientID.isEmpty || configuration.cleanStart else {
      throw .setting("clientID", expected: "a name, which a session that is kept goes by")
    }
    switch configuration.credentials {
    case .none, .provider: break
    case .password(let user, let password):
      try check(text: user, "credentials: user")
      guard password.utf8.count <= 65_535 else {
        throw .setting("credentials: password", expected: "at most 65,535 bytes")
      }
    case .passwordFile(let user, let path):
      try check(text: user, "credentials: user")
      try check(path: path, "credentials: path")
    }
    let tls = configuration.tls
    for (name, path) in [
      ("authorityFile", tls.authorityFile), ("authorityFolder", tls.authorityFolder),
      ("certificateFile", tls.certificateFile), ("key", tls.key),
      ("passphraseFile", tls.passphraseFile), ("revocationFile", tls.revocationFile),
    ] where !path.isEmpty {
      try check(path: path, "tls." + name)
    }
    if configuration.authentication != nil, case .only(let version) = configuration.version,
      version != .v5
    {
      throw .setting("authentication", expected: "MQTT 5.0, which alone has it")
    }
  }

  private static func checkTimes(_ configuration: ClientConfiguration) throws(ConfigurationError) {
    guard configuration.keepAlive >= .zero, configuration.keepAlive <= .seconds(65_535) else {
      throw .setting("keepAlive", expected: "0 to 65,535 seconds")
    }
    guard configuration.keepAlive == .zero || configuration.keepAlive >= .seconds(1) else {
      throw .setting("keepAlive", expected: "a second at least, or zero for none")
    }
    let policy = configuration.reconnect
    try check(policy.minimum, "reconnect.minimum", least: .milliseconds(10))
    try check(policy.maximum, "reconnect.maximum", least: policy.minimum)
    try check(policy.stableAfter, "reconnect.stableAfter", least: .zero)
    guard policy.growth >= 1, policy.growth <= 100 else {
      throw .setting("reconnect.growth", expected: "1 to 100")
    }
    let timeouts = configuration.timeouts
    for (name, timeout) in [
      ("credentials", timeouts.credentials), ("resolve", timeouts.resolve),
      ("connect", timeouts.connect), ("proxy", timeouts.proxy), ("tls", timeouts.tls),
      ("webSocket", timeouts.webSocket), ("reply", timeouts.reply),
    ] {
      try check(timeout, "timeouts." + name, least: .milliseconds(1))
    }
    try check(timeouts.user, "timeouts.user", least: .zero)
  }

  private static func check(
    _ limits: ClientConfiguration.Limits
  ) throws(ConfigurationError) {
    try check(limits.queueMessages, "limits.queueMessages", 1...65_000)
    try check(limits.queueBytes, "limits.queueBytes", 128...(1 << 30))
    try check(limits.maximumPacketSize, "limits.maximumPacketSize", 128...268_435_460)
    try check(limits.receiveMaximum, "limits.receiveMaximum", 1...10_000)
    try check(limits.topicAliases, "limits.topicAliases", 0...1_000)
    try check(limits.subscriptions, "limits.subscriptions", 1...10_000)
    try check(limits.filterBytes, "limits.filterBytes", 1...65_535)
    try check(limits.identityBytes, "limits.identityBytes", 64...(1 << 20))
  }

  private static func check(
    _ number: Int, _ name: String, _ range: ClosedRange<Int>
  ) throws(ConfigurationError) {
    guard range.contains(number) else {
      throw .setting(name, expected: "\(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// No time is so long that sums of a few overflow.
  private static var longest: Duration { .seconds(10 * 365 * 86_400) }

  private static func check(
    _ duration: Duration, _ name: String, least: Duration
  ) throws(ConfigurationError) {
    guard duration >= least, duration <= longest else {
      throw .setting(name, expected: "\(least) to ten years")
    }
  }

  private static func check(topic: String, _ name: String) throws(ConfigurationError) {
    guard TopicName.isValid(Array(topic.utf8).span) else {
      throw .setting(name, expected: "a topic name, without wildcards and U+0000")
    }
  }

  private static func check(text: String, _ name: String) throws(ConfigurationError) {
    guard isValidText(Array(text.utf8).span), text.utf8.count <= 65_535 else {
      throw .setting(name, expected: "at most 65,535 bytes of text without U+0000")
    }
  }

  private static func check(path: String, _ name: String) throws(ConfigurationError) {
    guard !path.isEmpty, path.utf8.count < 1_024, !path.utf8.contains(0) else {
      throw .setting(name, expected: "a path of at most 1,023 bytes")
    }
  }
}
