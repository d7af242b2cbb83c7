import CLinux
import Core
import Dialing
import Linux
import Profile

/// Why a fleet cannot reach a broker.
public struct BrokerFault: Error, Sendable {
  /// What is wrong, and what to do where that is known.
  public var text: String
}

/// Where a profile's brokers are: found once, for all devices.
public enum BrokerAddress {
  /// An address for each of the profile's brokers; of the first one such that takes a connection.
  public static func find(_ configuration: Configuration) throws(BrokerFault) -> [SocketAddress] {
    let dial = configuration.uplink.dial
    guard dial.proxy == nil else {
      throw BrokerFault(text: "a fleet goes to its broker without a proxy: leave it out")
    }
    var found: [SocketAddress] = []
    for index in 0..<dial.brokerCount {
      let endpoint = dial.broker(index)
      let name = configuration.string(endpoint.host)
      guard endpoint.kind == .tcp else {
        throw BrokerFault(
          text: "a fleet speaks plain TCP only: give it an mqtt:// URL with --broker")
      }
      let candidates = try addresses(of: name, endpoint.port, within: dial.resolveTimeout)
      // The others may be down: that is what they are for.
      let address =
        index == 0 ? try first(of: candidates, name, dial.connectTimeout) : candidates[0]
      found.append(address)
    }
    return found
  }

  private static func addresses(
    of name: String, _ port: UInt16, within time: Interval
  ) throws(BrokerFault) -> [SocketAddress] {
    var reply: Resolution?
    do throws(SystemError) {
      var resolver = try Resolver()
      _ = resolver.request(host: Array(name.utf8).span, port: port)
      _ = clinux_wait_readable(resolver.descriptor, Int32(clamping: time.milliseconds))
      reply = resolver.takeReply()
    } catch {
      throw BrokerFault(text: "\(name): \(error.reason)")
    }
    guard let reply else { throw BrokerFault(text: "\(name): nobody resolves the name") }
    guard reply.count > 0 else {
      throw BrokerFault(text: "\(name): \(reply.withMessage { text(of: $0) })")
    }
    return (0..<reply.count).map { reply[$0] }
  }

  private static func first(
    of candidates: [SocketAddress], _ name: String, _ time: Interval
  ) throws(BrokerFault) -> SocketAddress {
    var reason = ""
    for address in candidates {
      do throws(SystemError) {
        try tryOut(address, time)
        return address
      } catch {
        reason = error.reason
      }
    }
    let port = candidates.first?.port ?? 0
    throw BrokerFault(
      text: "no broker at \(name) port \(port): \(reason); is it running, and is --broker right?")
  }

  private static func tryOut(_ address: SocketAddress, _ time: Interval) throws(SystemError) {
    var loop = try EventLoop()
    let link = try TCPLink.open(to: address)
    try loop.add(link.descriptor, token: 0, read: false, write: true)
    let until = Clock.now() + time
    var isDecided = false
    while !isDecided, Clock.now() < until {
      loop.wait(until: until, at: Clock.now()) { _ in isDecided = true }
    }
    guard isDecided else { throw SystemError(code: ETIMEDOUT, doing: "connect") }
    if let error = link.connectResult() { throw error }
  }
}

extension SystemError {
  /// The system's reason.
  fileprivate var reason: String {
    SystemError.withText(of: code) { text(of: $0) }
  }
}

private func text(of bytes: Span<UInt8>) -> String {
  String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
}
