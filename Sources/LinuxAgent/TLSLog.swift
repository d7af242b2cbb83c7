import Core
import Linux

/// What there is to say of TLS once a connection stands.
enum TLSLog {
  /// How long before a certificate's end it is told of at each connection.
  private static var ahead: Interval { .seconds(21 * 86_400) }

  static func write(_ transport: borrowing Transport, at wall: WallTime) {
    guard let end = transport.serverCertificateEnds else { return }
    let isResumed = transport.isResumed
    Log.write(.info) { line in
      line.append { transport.describeTLS(into: &$0) }
      line.append(literal: isResumed ? ", resumed" : ", not resumed")
    }
    warn("the broker's certificate ends in ", end, wall)
    if let end = transport.ownCertificateEnds { warn("our certificate ends in ", end, wall) }
  }

  private static func warn(_ words: StaticString, _ end: WallTime, _ wall: WallTime) {
    let left = end - wall
    guard left < ahead else { return }
    Log.write(.warning) { line in
      line.append(literal: words)
      line.append(decimal: max(0, left.seconds / 86_400))
      line.append(literal: " days")
    }
  }
}
