-- SPDX-License-Identifier: Apache-2.0
-- HAProxy asks sealringd: `lua-load` this file, then `http-request lua.sealring SCOPES` (see docs/gateways/haproxy.md).

local socket = "/run/sealringd/sealringd.sock"
local timeout_ms = 10000 -- longer than sealringd lets a request wait

-- The names that sealringd's answer has, each of them always.
local grant = { "verdict", "client", "key-id", "ring", "scopes", "version", "sunset" }
-- What a refusal passes to the client.
local passed = { "www-authenticate", "retry-after", "content-type", "cache-control" }

-- Removes what a client has set itself; CGI makes the same variable of X-Sealring-Client and X_Sealring_Client.
local function remove_own(txn)
    for name in pairs(txn.http:req_get_headers()) do
        if name:lower():gsub("_", "-"):find("x-sealring-", 1, true) == 1 then
            txn.http:req_del_header(name)
        end
    end
end

-- All values of the headers with credentials, as they were received: sealringd notices if they differ.
local function credentials(txn)
    local headers = txn.http:req_get_headers()
    local found = {}
    for _, name in ipairs({ "authorization", "x-api-key" }) do
        if headers[name] then
            found[name] = {}
            for i = 0, #headers[name] do
                table.insert(found[name], headers[name][i])
            end
        end
    end
    return found
end

local function refuse(txn, status, headers, body)
    local reply = txn:reply({ status = status })
    for _, name in ipairs(passed) do
        for _, value in pairs(headers[name] or {}) do
            reply:add_header(name, value)
        end
    end
    reply:set_body(body)
    txn:done(reply)
end

core.register_action("sealring", { "http-req" }, function(txn, scopes)
    remove_own(txn)
    local answer = core.httpclient():get({
        url = "http://sealringd/v1/verify/" .. scopes .. "/-",
        dst = "unix@" .. socket,
        headers = credentials(txn),
        timeout = timeout_ms,
    })
    if not answer or answer.status ~= 200 then
        local status = answer and answer.status or 0
        -- Anything else is sealringd's absence, or a mistake in the configuration.
        if status == 400 or status == 401 or status == 403 or status == 503 then
            refuse(txn, status, answer.headers or {}, answer.body or "")
        else
            refuse(txn, 503, { ["retry-after"] = { "1" } }, "")
        end
        return
    end
    for _, name in ipairs(grant) do
        local values = answer.headers["x-sealring-" .. name] or {}
        txn.http:req_set_header("X-Sealring-" .. name, values[0] or "")
        txn:set_var("txn.sealring_" .. name:gsub("-", "_"), values[0] or "")
    end
    for _, name in ipairs({ "authorization", "x-api-key" }) do
        txn.http:req_del_header(name)
    end
end, 1)
