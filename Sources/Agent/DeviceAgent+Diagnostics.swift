import Core
import Device
import MQTT
import Uplink

/// The agent's own health, retained at QoS 0: what waits, what was lost, how often the link went.
extension DeviceAgent where Medium: ~Copyable {
  mutating func publishDiagnostics(at moment: Moment) {
    lossesFrom = Self.publishDiagnostics(
      &link, points, health, lossesFrom: lossesFrom, at: moment)
  }

  /// The agent's health, now.
  var health: Health {
    Health(link, points, session: life.session, reassertions: reassertions)
  }

  /// Returns with whose losses the next report is to begin.
  private static func publishDiagnostics(
    _ link: inout BrokerLink<Medium>, _ points: borrowing Points, _ health: Health,
    lossesFrom: Int, at moment: Moment
  ) -> Int {
    var next = 0
    // At QoS 0 a report that finds no room is not worth keeping: the next one follows.
    _ = link.publishNow(
      tag: 0, qos: .atMostOnce, retain: true,
      topic: { topic in
        points.appendTopicPrefix(to: &topic)
        topic.append(literal: "diag")
      },
      payload: { out, losses in
        health.append(at: moment, to: &out)
        next = losses.append(of: points, from: lossesFrom, to: &out)
        out.append(literal: "}")
      })
    return next
  }
}
