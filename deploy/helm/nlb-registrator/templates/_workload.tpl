{{- /*
Your Deployment, StatefulSet or DaemonSet, given by the name of its template, with the sidecar:

    {{ include "nlb-registrator.workload" (list . "web.deployment") }}
*/ -}}
{{- define "nlb-registrator.workload" -}}
{{- $root := index . 0 -}}
{{- $template := index . 1 -}}
{{- $values := index $root.Values "nlb-registrator" -}}
{{- $workload := include $template $root | fromYaml -}}
{{- if hasKey $workload "Error" -}}
{{- fail (printf "nlb-registrator: template %s is not YAML: %s" $template (get $workload "Error")) -}}
{{- end -}}
{{- $spec := get $workload "spec" -}}
{{- $pod := get (get $spec "template") "spec" -}}
{{- $own := get $pod "terminationGracePeriodSeconds" | default 30 -}}
{{- $grace := add $values.gracePeriod ($values.stopTime | default $own) -}}
{{- $_ := set $pod "terminationGracePeriodSeconds" $grace -}}
{{- $sidecar := include "nlb-registrator.sidecar" $values | fromYaml -}}
{{- $_ := set $pod "initContainers" (prepend (get $pod "initContainers" | default list) $sidecar) -}}
{{- if eq (get $workload "kind") "Deployment" -}}
{{- $_ := set $spec "strategy" (fromYaml "rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }") -}}
{{- end -}}
{{- include "nlb-registrator.hook" (list $values (get $pod "containers")) -}}
{{- toYaml $workload -}}
{{- end -}}

{{- /* Gives the application's container the hook. */ -}}
{{- define "nlb-registrator.hook" -}}
{{- $values := index . 0 -}}
{{- $containers := index . 1 -}}
{{- $name := $values.container | default (get (first $containers) "name") -}}
{{- $state := dict "found" false -}}
{{- range $container := $containers -}}
{{- if eq (get $container "name") $name -}}
{{- $_ := set $state "found" true -}}
{{- $lifecycle := get $container "lifecycle" | default dict -}}
{{- $has := hasKey $lifecycle "preStop" -}}
{{- if and $has (eq $values.hook "add") -}}
{{- fail (printf "nlb-registrator: container %s has a preStop hook, and a container has one handler only. Let -pre-deregister-url do what it does and set hook to replace, or let it call /drain and set hook to own" $name) -}}
{{- end -}}
{{- if ne $values.hook "own" -}}
{{- $_ := set $lifecycle "preStop" (include "nlb-registrator.preStop" $values | fromYaml) -}}
{{- $_ := set $container "lifecycle" $lifecycle -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not (get $state "found") -}}
{{- fail (printf "nlb-registrator: there is no container %s" $name) -}}
{{- end -}}
{{- end -}}

{{- define "nlb-registrator.preStop" -}}
httpGet:
  path: /drain
  port: {{ .port }}
{{- end -}}

{{- define "nlb-registrator.sidecar" -}}
name: nlb-registrator
image: {{ .image | quote }}
restartPolicy: Always
args:
  {{- range $name, $value := .flags }}
  {{- if kindIs "slice" $value }}
  {{- range $one := $value }}
  - {{ printf "-%s=%v" $name $one | quote }}
  {{- end }}
  {{- else }}
  - {{ printf "-%s=%v" $name $value | quote }}
  {{- end }}
  {{- end }}
env:
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: POD_IP
    valueFrom:
      fieldRef:
        fieldPath: status.podIP
  - name: HOST_IP
    valueFrom:
      fieldRef:
        fieldPath: status.hostIP
  - name: NLB_REGISTRATOR_LISTEN
    value: ":{{ .port }}"
  - name: NLB_REGISTRATOR_GRACE_PERIOD
    value: {{ .gracePeriod }}s
  - name: NLB_REGISTRATOR_LOG_FORMAT
    value: json
ports:
  - name: nlb-registrator
    containerPort: {{ .port }}
startupProbe:
  httpGet:
    path: /startupz
    port: {{ .port }}
  periodSeconds: 1
  failureThreshold: 30
readinessProbe:
  httpGet:
    path: /readyz
    port: {{ .port }}
  periodSeconds: 5
resources: {{ toJson .resources }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* A budget for these pods: (list . "web" (dict "app" "web")) is its name and selector. */ -}}
{{- define "nlb-registrator.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ index . 1 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{ toJson (index . 2) }}
{{- end -}}
