{{/* The name of all objects: that of the release, with the chart's name in it. */}}
{{- define "lameduck.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | trunc 36 | trimSuffix "-") .Chart.Name -}}
{{- end -}}
{{- end -}}

{{- define "lameduck.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lameduck.labels" -}}
{{ include "lameduck.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* An image of a repository with a tag, the chart's appVersion or a digest: (list $ .Values.image). */}}
{{- define "lameduck.image" -}}
{{- $chart := (index . 0).Chart -}}
{{- with index . 1 -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The image of the sidecar: by default from the repository of the webhook's. */}}
{{- define "lameduck.sidecarImage" -}}
{{- $repository := .Values.sidecar.image.repository | default (trimSuffix "ctl" .Values.image.repository) -}}
{{- include "lameduck.image" (list . (merge (dict "repository" $repository) .Values.sidecar.image)) -}}
{{- end -}}
