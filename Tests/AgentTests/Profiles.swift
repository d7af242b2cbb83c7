import Broker
import Core

/// A profile for `dev`, by the members of its sections.
func profile(
  _ points: String = Point.door + "," + Point.air + "," + Point.pump,
  device: String = #""diagnostics": "60s""#, broker: String = #""keepAlive": "20s""#,
  uplink: String = "", journal: String? = nil, budget: String = ""
) -> String {
  """
  {"device": {"id": "dev", \(device)}, "broker": {\(broker)}, "uplink": {\(uplink)},
   "budget": {\(budget)},
   \(journal.map { "\"journal\": {\($0)}," } ?? "")
   "points": {\(points)}}
  """
}

/// Points for a profile.
enum Point {
  /// A contact that switches only when it is held, with events.
  static let door = """
    "door": {"kind": "input", "line": "GPIO17", "event": true,
      "simulate": {"on": "0s", "off": "0s"}}
    """
  /// A sensor that always says 20, read each 5 seconds.
  static let air = """
    "air": {"kind": "sensor", "w1": "28-00000a1b2c3d", "unit": "Cel", "every": "5s",
      "decimals": 1, "simulate": {"mean": 20}}
    """
  /// A sensor that says something else each second.
  static let cpu = """
    "cpu": {"kind": "sensor", "thermal": "cpu-thermal", "unit": "Cel", "every": "1s",
      "simulate": {"wave": "triangle", "mean": 50, "amplitude": 10, "period": "977s"}}
    """
  /// A relay that is off at start and at stop.
  static let pump = #""pump": {"kind": "output", "line": "GPIO23"}"#
  /// A valve that is on at start and at stop, and closed once the link has been lost for 30 s.
  static let valve = """
    "valve": {"kind": "output", "line": "GPIO24", "start": true, "stop": true,
      "lost": {"after": "30s", "state": false}}
    """
}

extension World {
  /// The link is lost, and no broker answers, for so long.
  func beWithoutLink(_ length: Interval) {
    network.answer = .refuses
    cut()
    run(length)
  }

  /// The statuses heard, as state and reason; a will is marked as such.
  var lives: [String] {
    heard.compactMap { message in
      message.status.map { "\($0.state) \($0.reason)" + (message.isWill ? " (will)" : "") }
    }
  }

  /// The last status that the device itself has published.
  var lastStatus: Status? { heard.last { $0.client == "dev" && $0.topic == "status" }?.status }

  /// The last birth.
  var lastBirth: Status? {
    heard.last { $0.client == "dev" && $0.status?.state == "online" }?.status
  }

  /// The last health report.
  var lastDiagnostics: Diagnostics? { heard.last { $0.topic == "diag" }?.diagnostics }

  /// The answers to commands, as lines.
  var results: [String] { heard.compactMap { $0.result?.line } }

  /// What the broker has retained under one of the device's topics.
  func retained(_ topic: String) -> String? {
    broker.retained(Array((Self.prefix + topic).utf8)).map {
      String(decoding: $0.payload, as: UTF8.self)
    }
  }

  /// What was published under one of the device's topics.
  func payloads(_ topic: String) -> [String] {
    heard.filter { $0.topic == topic }.map(\.payload)
  }
}

/// A broker that has no room for anybody.
func crowdedBroker() -> MessageBroker {
  var limits = BrokerLimits()
  limits.sessionsMax = 0
  return MessageBroker(limits: limits, isObserved: true)
}
