import MQTTClient
import Testing

/// Bad configurations give one clear error before anything connects.
@Suite struct ConfigurationTests {
  private func error(
    _ url: String = "mqtt://b", _ adjust: (inout ClientConfiguration) -> Void = { _ in }
  ) -> ConfigurationError? {
    var configuration = ClientConfiguration(url: url, clientID: "c")
    adjust(&configuration)
    do throws(ConfigurationError) {
      _ = try Client(configuration)
      return nil
    } catch { return error }
  }

  private func setting(_ adjust: (inout ClientConfiguration) -> Void) -> String? {
    if case .setting(let name, _)? = error("mqtt://b", adjust) { name } else { nil }
  }

  @Test func defaultsAreGood() {
    #expect(error() == nil)
    for url in ["mqtts://u@b:1", "ws://b/mqtt", "wss://b", "unix:///run/b.sock"] {
      #expect(error(url) == nil)
    }
  }

  @Test func urlsAreReadStrictly() {
    #expect(error("b") == .url(.noURL))
    #expect(error("http://b") == .url(.scheme))
    #expect(error("mqtt://u:secret@b") == .url(.password))
    #expect(error("mqtt://b:0") == .url(.port))
    let text = error("mqtt://u:secret@b").map { "\($0)" } ?? ""
    #expect(text.contains("passwordFile") && !text.contains("secret"))
    #expect(error { $0.proxy = ProxySettings(url: "ftp://p") } == .proxy(.proxyScheme))
  }

  @Test func settingsAreNamed() {
    #expect(setting { $0.keepAlive = .seconds(65_536) } == "keepAlive")
    #expect(setting { $0.keepAlive = .milliseconds(1) } == "keepAlive")
    #expect(setting { $0.clientID = "a\u{0}" } == "clientID")
    #expect(
      setting {
        $0.clientID = ""; $0.cleanStart = false
      } == "clientID")
    #expect(setting { $0.reconnect.minimum = .zero } == "reconnect.minimum")
    #expect(setting { $0.reconnect.maximum = .milliseconds(999) } == "reconnect.maximum")
    #expect(setting { $0.reconnect.growth = .nan } == "reconnect.growth")
    #expect(setting { $0.reconnect.growth = 0.5 } == "reconnect.growth")
    #expect(setting { $0.timeouts.reply = .zero } == "timeouts.reply")
    #expect(setting { $0.timeouts.user = .seconds(Int64.max) } == "timeouts.user")
    #expect(setting { $0.limits.queueMessages = 0 } == "limits.queueMessages")
    #expect(setting { $0.limits.maximumPacketSize = 10 } == "limits.maximumPacketSize")
    #expect(setting { $0.limits.receiveMaximum = 0 } == "limits.receiveMaximum")
    #expect(setting { $0.will = Will(topic: "a/#", payload: []) } == "will.topic")
    #expect(setting { $0.birth = Birth(topic: "", payload: []) } == "birth.topic")
    #expect(
      setting { $0.will = Will(topic: "w", payload: [UInt8](repeating: 0, count: 65_536)) }
        == "will.payload")
    #expect(
      setting {
        $0.version = .only(.v311)
        $0.authentication = Authentication(method: "M") { _ in nil }
      } == "authentication")
    #expect(
      error { $0.webSocketFields = [("Host", "x")] } == .webSocketField(name: "Host"))
    #expect(
      error { $0.webSocketFields = [("A", "x\r\nB: y")] } == .webSocketField(name: "A"))
  }
}
